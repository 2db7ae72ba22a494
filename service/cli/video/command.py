"""The flags of `silhouette video`, from the table of effects and the options of films."""

from typing import TYPE_CHECKING

from service.cli.files.commands import add_option
from service.cli.video.fields import film_fields
from service.cli.video.run import run

if TYPE_CHECKING:
    from service.cli.console import Commands

DESCRIPTION = """\
The same subject on every frame: cut out with real transparency, or before another background, blurred, or grey.
Times and sound are kept. Mattes are compared with those of the frames around them, so that edges stand still."""

EXAMPLES = """\
examples:
  cut out, for a browser or OBS (WebM, VP9 with alpha), as talk-remove-background.webm:
    silhouette video talk.mp4
  cut out, for Final Cut, Premiere, Resolve (ProRes 4444):
    silhouette video talk.mp4 --out talk.mov
  before a picture, or a colour, to be sent to anybody (MP4):
    silhouette video talk.mp4 --effect replace-background --background beach.jpg --out talk-beach.mp4
    silhouette video talk.mp4 --effect replace-background --color '#00b140' --out green.mp4
  a person, ten times as fast as with the default model:
    silhouette video talk.mp4 --model selfie --speed fastest
  several, and where it stopped last time:
    silhouette video *.mp4 --effect blur-background --out blurred/ --resume
  the matte alone, and single frames:
    silhouette video talk.mp4 --output matte --format mp4
    silhouette video talk.mp4 --out frames.zip
    silhouette video talk.mp4 --format png --out frames/
  a scene that stands still: one matte, painted or made by remove-background --output matte, for every frame:
    silhouette video turntable.mp4 --matte matte.png

Ctrl-C leaves no half film. What the networks said so far stays beside the result, and --resume goes on from there:
the film comes out as if nothing had happened.

exit codes: 0 all done, 1 some films failed, 2 the command or a setting is wrong, 130 interrupted
"""


def add_command(commands: "Commands") -> None:
    parser = commands.add_parser(
        "video",
        help="an effect on every frame of films",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        usage="%(prog)s FILM... [--out PATH] [OPTIONS]",
    )
    parser.words = "films"
    parser.add_argument("films", nargs="+", metavar="FILM", help="a film, or a folder of films")
    where = parser.add_argument_group("where results go")
    where.add_argument(
        "--out",
        metavar="PATH",
        help="a file for one film, whose suffix chooses the format; a folder where it ends in / or there are several. "
        "Default: beside each film, as NAME-EFFECT.EXT.",
    )
    where.add_argument(
        "--resume", action="store_true", help="leave films alone whose result is there, and go on where one stopped"
    )
    what = parser.add_argument_group("what is done")
    what.add_argument("--background", metavar="PICTURE", help="What goes behind the subject. Instead of --color.")
    what.add_argument(
        "--matte", metavar="PICTURE", help="That of every frame, for a scene that stands still: no network looks."
    )
    for name, field in film_fields():
        add_option(what, name, field)
    parser.set_defaults(run=run)

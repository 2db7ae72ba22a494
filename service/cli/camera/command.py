"""The flags of `silhouette camera`, from the table of effects."""

from typing import TYPE_CHECKING

from service.cli.camera.fields import EFFECTS, camera_fields
from service.cli.camera.run import run
from service.cli.files.commands import add_option

if TYPE_CHECKING:
    from service.cli.console import Commands

DESCRIPTION = """\
The camera with its background blurred, replaced or grey, as a camera that Zoom, Meet, Teams and OBS can choose. What it
films is looked at on this machine and leaves it by the meeting alone. Ctrl-C ends it. docs/camera.md has how a virtual
camera is installed."""

EXAMPLES = """\
examples:
  the background blurred:
    silhouette camera
  a beach behind you:
    silhouette camera --effect replace-background --background beach.jpg
  another camera, and how it is seen:
    silhouette camera --camera /dev/video2 --size 1280x720 --rate 30
  how it would look, with a film in the place of the camera:
    silhouette camera --camera talk.mp4

exit codes: 0 the camera ended, 2 something is missing or a flag is wrong, 130 Ctrl-C
"""


def add_command(commands: "Commands") -> None:
    parser = commands.add_parser(
        "camera",
        help="the camera with an effect, for meetings",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        usage="%(prog)s [OPTIONS]",
    )
    cameras = parser.add_argument_group("which cameras")
    cameras.add_argument("--camera", metavar="NAME", help="as /dev/video2; or a film in its place. Default: the first.")
    cameras.add_argument("--size", default="640x480", metavar="WIDTHxHEIGHT", help="Default: 640x480.")
    cameras.add_argument("--rate", type=int, default=30, metavar="FPS", help="frames a second. Default: 30.")
    cameras.add_argument("--device", metavar="NAME", help="the virtual camera. Default: the first that is free.")
    what = parser.add_argument_group("what is done")
    what.add_argument("--model", default="selfie", metavar="NAME", help="Default: selfie, which is made for it.")
    what.add_argument("--effect", choices=EFFECTS, default=EFFECTS[0], help=f"Default: {EFFECTS[0]}.")
    what.add_argument("--background", metavar="PICTURE", help="what goes behind the subject. Instead of --color.")
    what.add_argument("--smoothing", type=float, default=0.9, metavar="SHARE", help="0 to 1, of flicker. Default: 0.9.")
    for name, field in camera_fields():
        add_option(what, name, field)
    parser.set_defaults(run=run)

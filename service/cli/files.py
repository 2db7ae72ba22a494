"""`silhouette segment PHOTO...` and its siblings: the same pipeline as the service's, on files."""

import argparse
import asyncio
import math
import re
import types
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from service.cli.console import say, work_progress
from service.errors import ConfigurationError, Failure
from service.operations import OPERATIONS
from service.operations.operation import Operation
from service.operations.options import Options, parse_options
from service.settings import Settings, read_settings

if TYPE_CHECKING:
    from service.cli.console import Commands
    from service.engine.pipeline import Answer, Pipeline
    from service.pixels.decode import Photo

SOME_FAILED = 1
PHOTO_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"}


@dataclass(frozen=True)
class Errand:
    """What one command does to each of its photos."""

    operation: Operation[Any]
    options: Options
    pictures: Mapping[str, bytes]
    out: Path


def add_commands(commands: "Commands") -> None:
    """One for each operation."""
    for operation in OPERATIONS.values():
        summary = operation.summary
        parser = commands.add_parser(
            operation.name,
            help=f"{summary[0].lower()}{summary[1:]}",
            description=f"{summary}, for many photos. {operation.description}",
        )
        parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO", help="a picture, or a folder of pictures")
        parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the results")
        for picture in operation.pictures:
            instead = f" Instead of --{picture.instead_of}." if picture.instead_of else ""
            parser.add_argument(f"--{picture.name}", type=Path, metavar="PICTURE", help=f"{picture.help}{instead}")
        for field_name, field in operation.options.model_fields.items():
            _add_option(parser, field_name, field)
        parser.set_defaults(run=run, operation=operation)


def _add_option(parser: argparse.ArgumentParser, name: str, field: FieldInfo) -> None:
    """An option of the service as a flag: same name, same values, same words."""
    flag = f"--{name.replace('_', '-')}"
    default = "" if field.default in (None, ()) else f" Default: {str(field.default).lower()}."
    help_text = f"{field.description}{default}".replace("%", "%%")
    if field.annotation is bool:
        parser.add_argument(flag, action=argparse.BooleanOptionalAction, default=None, help=help_text)
    else:
        choices = _choices(field.annotation)
        parser.add_argument(flag, choices=choices, metavar=None if choices else "VALUE", help=help_text)


def _choices(annotation: Any) -> Sequence[str] | None:
    """The values of a Literal, also of an optional one."""
    if get_origin(annotation) is types.UnionType or type(None) in get_args(annotation):
        annotation = next(part for part in get_args(annotation) if part is not type(None))
    return get_args(annotation) if get_origin(annotation) is Literal else None


def run(chosen: argparse.Namespace) -> int:
    photos = find_photos(chosen.photos)
    try:
        options = parse_options(chosen.operation.options, _given(chosen))
        options.chosen_format()  # a format that cannot be is said before a worker is started
        pictures = _read_pictures(chosen)
        chosen.operation.check(options, pictures)
    except Failure as failure:
        raise ConfigurationError(_with_flags(failure.detail)) from failure
    if any(photo.parent.resolve() == chosen.out.resolve() for photo in photos):
        raise ConfigurationError("--out is the folder of the photos: choose another, so that none is overwritten")
    chosen.out.mkdir(parents=True, exist_ok=True)
    failed = asyncio.run(_process(photos, Errand(chosen.operation, options, pictures, chosen.out)))
    say(f"{len(photos) - failed} of {len(photos)} photos done, in {chosen.out}")
    return SOME_FAILED if failed else 0


def _with_flags(detail: str) -> str:
    """`light_wrap`, as the service calls an option, is --light-wrap here."""
    return re.sub(r"`([a-z_]+)`", lambda name: "--" + name[1].replace("_", "-"), detail)


def _given(chosen: argparse.Namespace) -> dict[str, Any]:
    named = {name: getattr(chosen, name) for name in chosen.operation.options.model_fields}
    return {name: value for name, value in named.items() if value is not None}


def find_photos(paths: Sequence[Path]) -> list[Path]:
    """Files as they are, folders as the pictures in them. Raises ConfigurationError where one is missing."""
    photos = [photo for path in paths for photo in (_photos_in(path) if path.is_dir() else [path])]
    if missing := [str(photo) for photo in photos if not photo.is_file()]:
        raise ConfigurationError(f"no such file: {', '.join(missing)}")
    if not photos:
        raise ConfigurationError("no pictures there")
    return photos


def _photos_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in PHOTO_SUFFIXES)


def read_photo(path: Path, max_pixels: int) -> "Photo":
    """Decoded, for work that wants every picture or none. Raises ConfigurationError, naming the file."""
    from service.pixels.decode import decode

    try:
        return decode(path.read_bytes(), max_pixels)
    except Failure as failure:
        raise ConfigurationError(f"{path}: {failure.detail}") from failure
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from error


def _read_pictures(chosen: argparse.Namespace) -> dict[str, bytes]:
    """Further pictures. Raises ConfigurationError where one is missing."""
    names = [picture.name for picture in chosen.operation.pictures]
    paths: dict[str, Path] = {name: path for name in names if (path := getattr(chosen, name)) is not None}
    if missing := [str(path) for path in paths.values() if not path.is_file()]:
        raise ConfigurationError(f"no such file: {', '.join(missing)}")
    return {name: path.read_bytes() for name, path in paths.items()}


async def _process(photos: Sequence[Path], errand: Errand) -> int:
    """How many photos failed; each failure is said as it happens, and stops nothing else."""
    from service.engine.engine import Engine

    settings = _settings_for(len(photos), errand)
    names = _result_names(photos)
    engine = Engine.build(settings)
    async with engine.running(settings.drain_timeout_s) as pipeline:
        places = asyncio.Semaphore(2 * engine.pool.size)  # one being computed, one being decoded or encoded
        with work_progress() as progress:
            task = progress.add_task("photos", total=len(photos))

            async def one(photo: Path) -> bool:
                async with places:
                    done = await _process_one(pipeline, photo, names[photo], errand)
                progress.advance(task)
                return done

            return (await asyncio.gather(*map(one, photos))).count(False)


async def _process_one(pipeline: "Pipeline", photo: Path, name: str, errand: Errand) -> bool:
    try:
        answer = await _answer(pipeline, await asyncio.to_thread(photo.read_bytes), errand)
    except (Failure, OSError) as error:
        say(f"{photo}: {error}")
        return False
    suffix = {"jpeg": "jpg"}.get(answer.format, answer.format)
    await asyncio.to_thread((errand.out / f"{name}.{suffix}").write_bytes, answer.body)
    return True


async def _answer(pipeline: "Pipeline", image: bytes, errand: Errand) -> "Answer":
    from service.engine.pipeline import Call, Job

    job = Job(errand.operation, errand.options, image, errand.pictures)
    return await pipeline.run(job, Call(deadline=math.inf))


def _settings_for(photo_count: int, errand: Errand) -> Settings:
    """Only what is needed, and no more workers than photos: a lone photo gets every core as threads."""
    from service.workers.plan import available_cores

    settings = read_settings()
    models = _needed(settings, errand)
    workers = min(photo_count, settings.workers or available_cores())
    return read_settings(models=models, workers=workers)


def _needed(settings: Settings, errand: Errand) -> tuple[str, ...]:
    """The names of the models that will be asked. Raises ConfigurationError where they cannot be had."""
    from service.models.catalogue import Catalogue
    from service.models.ensemble import BEST, Ensemble
    from service.models.store import ModelStore

    store, name = ModelStore(settings.model_store), errand.options.model
    if name and name != BEST:
        return (store.card(name).name,)
    try:
        model = errand.operation.choose_model(Catalogue(store.choose(settings.models)), errand.options)
    except Failure as failure:
        raise ConfigurationError(failure.detail) from failure
    return (model.outline.name, model.classes.name) if isinstance(model, Ensemble) else (model.name,)


def _result_names(photos: Sequence[Path]) -> dict[Path, str]:
    """`cat` for cat.jpg; `cat.jpg` where cat.png is there as well. Raises ConfigurationError where two would meet."""
    stems = Counter(photo.stem for photo in photos)
    names = {photo: photo.stem if stems[photo.stem] == 1 else photo.name for photo in photos}
    twice = [name for name, count in Counter(names.values()).items() if count > 1]
    if twice:
        raise ConfigurationError(
            f"several photos are called {', '.join(twice)}: their results would overwrite each other"
        )
    return names

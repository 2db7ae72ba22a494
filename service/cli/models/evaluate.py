"""`silhouette models evaluate`: how right a model, or which of two, is on pictures of one's own."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from service.cli.console import say
from service.cli.numbers import count
from service.configuration_errors import ConfigurationError
from service.errors import Failure

if TYPE_CHECKING:
    from service.cli.console import Commands
    from service.cli.evaluation.measures import Measure
    from service.cli.evaluation.results import Evaluation
    from service.models.store import ModelCard

WORST = 12
VOID = 255

DESCRIPTION = """\
Measure a model on your pictures: the service's own answers, beside masks that somebody drew. images/cat.jpg goes with
masks/cat.png. A mask has one number a pixel, as grey or as a palette. Writes a page with the pictures to look at
(index.html, opens without a network), the worst ones on one sheet (worst.jpg), and every figure (figures.json)."""

EPILOG = """\
examples:
  salient objects, drawn in white:
    silhouette models evaluate u2net --images ECSSD/images --masks ECSSD/masks
  which of two is better on them:
    silhouette models evaluate --compare u2net selfie --images ECSSD/images --masks ECSSD/masks
  people, by a model of many classes:
    silhouette models evaluate deeplab-voc --classes person --images PEOPLE/images --masks PEOPLE/masks
  several classes, where masks say 1 for cats, 2 for dogs and 255 for "do not look":
    silhouette models evaluate deeplab-voc --classes 1=cat,2=dog --images PETS/images --masks PETS/masks
  masks with the model's own numbers, as Pascal VOC has them:
    silhouette models evaluate deeplab-voc --images VOC/images --masks VOC/masks
"""


def add_actions(actions: "Commands") -> None:
    parser = actions.add_parser(
        "evaluate",
        help="measure a model, or two, on your pictures and masks",
        description=DESCRIPTION,
        epilog=EPILOG,
    )
    parser.add_argument("name", nargs="?", metavar="NAME")
    parser.add_argument("--compare", nargs=2, metavar=("A", "B"), help="two models, side by side, instead of NAME")
    parser.add_argument("--images", type=Path, required=True, metavar="DIR")
    parser.add_argument("--masks", type=Path, required=True, metavar="DIR")
    parser.add_argument(
        "--classes",
        metavar="NAME,...|ID=NAME,...",
        help="what counts as found, together; or the class of each number in the masks, apart. Default: the model's "
        "subject; for a model of many classes, all of them, by its own numbers",
    )
    parser.add_argument(
        "--foreground",
        type=_ids,
        metavar="ID,...",
        help="numbers in the masks that are the subject. Default: from 128 up; any but 0 in a mask without such",
    )
    parser.add_argument(
        "--void",
        type=_id,
        metavar="ID",
        help=f"number in the masks that does not count. Default: {VOID} where classes are apart, else none",
    )
    parser.add_argument(
        "--effort", choices=("fast", "balanced", "best"), help="of subjects: how often the network looks"
    )
    parser.add_argument("--refine", choices=("auto", "off", "on"), help="move edges to where the photo has them")
    parser.add_argument("--limit", type=count, metavar="N", help="only N pictures, spread evenly over the set")
    parser.add_argument("--skip-unpaired", action="store_true", help="leave out pictures and masks without a partner")
    parser.add_argument("--resize-masks", action="store_true", help="resize masks that have another size")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where the report goes. Default: evaluation-NAME")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Raises ConfigurationError."""
    from service.cli.evaluation.pairs import check_sizes, find_pairs, spread
    from service.cli.evaluation.results import Evaluation, ModelResult
    from service.cli.evaluation.run import galleries_for, run

    names = _names(chosen)
    measure = _measure(chosen, _cards(names))
    pairs = spread(find_pairs(chosen.images, chosen.masks, chosen.skip_unpaired), chosen.limit)
    if not chosen.resize_masks:
        check_sizes(pairs)
    asked = {"operation": measure.operation.name, **measure.given}
    models = [ModelResult(name) for name in names]
    evaluation = Evaluation(str(chosen.images), str(chosen.masks), asked, measure, models, galleries_for(names, WORST))
    run(evaluation, pairs, chosen.resize_masks)
    evaluation.print()
    _write(evaluation, chosen.out or Path(f"evaluation-{'-'.join(names)}"))
    return 0


def _names(chosen: argparse.Namespace) -> list[str]:
    if (chosen.name is None) == (chosen.compare is None):
        raise ConfigurationError("name one model, or two with --compare A B")
    names = list(chosen.compare or [chosen.name])
    if len(set(names)) < len(names):
        raise ConfigurationError(f"--compare: {names[0]} is both of them")
    return names


def _cards(names: Sequence[str]) -> "list[ModelCard]":
    from service.cli.models.configured import configured_store

    store = configured_store()
    return [store.card(name) for name in names]


def _measure(chosen: argparse.Namespace, cards: "Sequence[ModelCard]") -> "Measure":
    """Raises ConfigurationError for classes that a model does not know, or options that do not go together."""
    from service.cli.evaluation.measures import SubjectMeasure

    looks = {name: value for name in ("effort", "refine") if (value := getattr(chosen, name)) is not None}
    has_many = all(len(card.class_table.foreground) > 1 for card in cards)
    if "=" in (chosen.classes or "") or (chosen.classes is None and has_many and chosen.foreground is None):
        return _class_measure(chosen, cards, looks)
    names = tuple(name.strip() for name in chosen.classes.split(",")) if chosen.classes else ()
    for card in cards:
        _find(card, names)
    return SubjectMeasure(names, chosen.foreground, chosen.void, looks)


def _class_measure(chosen: argparse.Namespace, cards: "Sequence[ModelCard]", looks: dict[str, Any]) -> "Measure":
    from service.cli.evaluation.measures import ClassMeasure

    for flag in ("foreground", "effort"):
        if getattr(chosen, flag) is not None:
            raise ConfigurationError(f"--{flag} is of one subject; here classes are apart: name them in --classes")
    void = VOID if chosen.void is None else chosen.void
    if chosen.classes:
        mask_ids, names = zip(*_mapping(chosen.classes), strict=True)
    else:
        names = tuple(entry.name for entry in cards[0].class_table)
        mask_ids = tuple(range(len(names)))
    tables = [dict(zip(names, _find(card, names), strict=True)) for card in cards]
    if any(table != tables[0] for table in tables):
        raise ConfigurationError("the two models have other numbers for these classes: evaluate them one by one")
    return ClassMeasure(names, tables[0], mask_ids, void, is_whole_table=not chosen.classes, options=looks)


def _find(card: "ModelCard", names: Sequence[str]) -> tuple[int, ...]:
    try:
        return card.class_table.find(names)
    except Failure as failure:
        raise ConfigurationError(f"{card.name}: {failure.detail}") from failure


def _mapping(text: str) -> list[tuple[int, str]]:
    found = []
    for entry in text.split(","):
        number, _, name = entry.partition("=")
        if not number.strip().isdecimal() or int(number) > VOID or not name.strip():
            raise ConfigurationError(f"--classes: {entry.strip()!r} is not ID=NAME, with an ID from 0 to 255")
        found.append((int(number), name.strip()))
    return found


def _write(evaluation: "Evaluation", folder: Path) -> None:
    from service.cli.evaluation.page import page
    from service.cli.files.disk import write_whole

    figures = json.dumps(evaluation.as_json(), indent=1) + "\n"
    write_whole(folder / "figures.json", figures.encode())
    write_whole(folder / "index.html", page(evaluation).encode())
    evaluation.galleries[0].sheet().save(folder / "worst.jpg", quality=90)
    say(f"{folder / 'index.html'}, worst.jpg and figures.json beside it")


def _ids(text: str) -> tuple[int, ...]:
    return tuple(_id(number) for number in text.split(","))


def _id(text: str) -> int:
    if not text.strip().isdecimal() or int(text) > VOID:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to {VOID}")
    return int(text)

"""The report as one HTML file: everything is in it, so it opens without a network and can be sent to somebody."""

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from html import escape
from importlib.resources import files
from io import BytesIO
from string import Template

from PIL import Image

from service.cli.evaluation.gallery import Gallery, Shown
from service.cli.evaluation.measures import Figure
from service.cli.evaluation.results import Evaluation, best_of, told

TEMPLATE = "page.html"
JPEG_QUALITY = 80
BARS = 20
"""Of the histogram: 5% of IoU each."""
BAR_WIDTH, BAR_HEIGHT, BAR_GAP = 24, 120, 4
HEADLINE_FIGURES = 5
MOST_ROWS = 2000
"""Pictures in the table; all of them are in the JSON beside it."""


def page(evaluation: Evaluation) -> str:
    """The whole document."""
    template = Template(files(__package__).joinpath(TEMPLATE).read_text(encoding="utf-8"))
    names = [model.label for model in evaluation.models]
    pictures = evaluation.pictures()
    return template.substitute(
        title=escape(" and ".join(names)),
        images=escape(evaluation.images),
        masks=escape(evaluation.masks),
        count=len(pictures),
        asked=escape(", ".join(f"{name} {value}" for name, value in evaluation.asked.items())),
        date=date.today().isoformat(),
        cards="".join(_cards(evaluation)),
        figures=_figures(evaluation),
        histogram="".join(
            _histogram(model.label, _ious(evaluation, index)) for index, model in enumerate(evaluation.models)
        ),
        galleries="".join(_gallery(gallery) for gallery in evaluation.galleries),
        pictures=_pictures(evaluation, pictures[:MOST_ROWS]),
        left_out=f"The {MOST_ROWS} worst; figures.json has all." if len(pictures) > MOST_ROWS else "",
    )


def _ious(evaluation: Evaluation, index: int) -> Sequence[float]:
    return [score.iou for score in evaluation.models[index].scores.values()]


def _cards(evaluation: Evaluation) -> Iterator[str]:
    for figure, values in evaluation.lines()[:HEADLINE_FIGURES]:
        best = best_of(figure, values)
        numbers = "".join(
            f'<p class="number{" best" if index == best else ""}">{told(value)}'
            + (f"<small>{escape(evaluation.models[index].name)}</small>" if len(values) > 1 else "")
            + "</p>"
            for index, value in enumerate(values)
        )
        hint = f'<p class="hint">{escape(figure.meaning)}</p>'
        yield f'<div class="card"><h3>{escape(figure.metric)}</h3>{numbers}{hint}</div>'


def _figures(evaluation: Evaluation) -> str:
    labels = [model.label for model in evaluation.models]
    return _table(["figure", *labels, "of"], (_figure_row(figure, values) for figure, values in evaluation.lines()))


def _table(columns: Sequence[str], rows: Iterable[str]) -> str:
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _figure_row(figure: Figure, values: Sequence[float | None]) -> str:
    best = best_of(figure, values)
    cells = "".join(
        f'<td class="value{" best" if index == best else ""}">{told(value)}{_meter(figure, value)}</td>'
        for index, value in enumerate(values)
    )
    return f'<tr><th scope="row">{escape(figure.metric)}</th>{cells}<td class="hint">{escape(figure.meaning)}</td></tr>'


def _meter(figure: Figure, value: float | None) -> str:
    """A bar behind what is a share; figures where less is better have none, as a long bar would look good."""
    if value is None or not figure.higher_is_better:
        return ""
    return f'<span class="meter"><span style="width:{100 * max(0.0, min(1.0, value)):.1f}%"></span></span>'


def _histogram(label: str, ious: Sequence[float]) -> str:
    counts = [0] * BARS
    for iou in ious:
        counts[min(BARS - 1, int(iou * BARS))] += 1
    bars = "".join(_bar(index, count, max(counts) or 1) for index, count in enumerate(counts))
    width = BARS * (BAR_WIDTH + BAR_GAP)
    axis = "".join(
        f'<text x="{width * tenth / 10:.0f}" y="{BAR_HEIGHT + 18}" text-anchor="{_anchor(tenth)}">{tenth / 10:g}</text>'
        for tenth in range(0, 11, 2)
    )
    return (
        f'<figure><figcaption>{escape(label)}</figcaption><svg viewBox="0 0 {width} {BAR_HEIGHT + 24}" role="img"'
        f' aria-label="How many pictures have which IoU">{bars}{axis}</svg></figure>'
    )


def _bar(index: int, count: int, highest: int) -> str:
    height = BAR_HEIGHT * count / highest
    place = f'x="{index * (BAR_WIDTH + BAR_GAP)}" y="{BAR_HEIGHT - height:.1f}"'
    title = f"IoU {index / BARS:.2f} to {(index + 1) / BARS:.2f}: {count} pictures"
    return f'<rect {place} width="{BAR_WIDTH}" height="{height:.1f}"><title>{title}</title></rect>'


def _anchor(tenth: int) -> str:
    return {0: "start", 10: "end"}.get(tenth, "middle")


def _gallery(gallery: Gallery) -> str:
    shown = gallery.shown()
    rows = "".join(_shown(each) for each in shown) or '<p class="hint">No picture.</p>'
    return f"<section><h2>{escape(gallery.title)}</h2>{rows}</section>"


def _shown(shown: Shown) -> str:
    tiles = "".join(
        f'<figure><img src="{_data_uri(picture)}" alt="{escape(shown.name)}: {escape(name)}" loading="lazy">'
        f"<figcaption>{escape(name)}</figcaption></figure>"
        for name, picture in shown.tiles.items()
    )
    head = f'<h3>{escape(shown.name)} <span class="hint">{escape(shown.caption)}</span></h3>'
    return f'<article>{head}<div class="tiles">{tiles}</div></article>'


def _data_uri(picture: Image.Image) -> str:
    encoded = BytesIO()
    picture.save(encoded, "JPEG", quality=JPEG_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(encoded.getvalue()).decode('ascii')}"


def _pictures(evaluation: Evaluation, names: Sequence[str]) -> str:
    """A row each, with the figures of every model."""
    rows = (
        f'<tr><th scope="row">{escape(name)}</th>'
        + "".join(_cell(model.scores[name].figures) for model in evaluation.models)
        + "</tr>"
        for name in names
    )
    return _table(["picture", *(model.name for model in evaluation.models)], rows)


def _cell(figures: Mapping[str, float]) -> str:
    return f"<td>{', '.join(f'{escape(name)} {told(value)}' for name, value in figures.items())}</td>"

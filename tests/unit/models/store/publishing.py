"""A file that is published somewhere, a store whose card names it, and what pulling leaves there.

The file is real ONNX of U2-Net's 112 convolutions, of one weight each: it converts as the large one does.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from service.models.store import ModelStore
from service.models.store.card import DownloadSpec, HttpsSource, Source
from service.models.store.convert import CONVERTERS
from service.models.store.store import sha256_of

NAME = "tiny-subject"

FILE = "tiny-subject.onnx"

PATIENCE_S = 60.0


def ignore(done: int, total: int) -> None:
    """Progress that nobody watches."""


def published_file(folder: Path) -> Path:
    """ONNX with every convolution that the converter expects, and 3 MB of text so that it has a middle."""
    count = len(CONVERTERS["u2net"].layers)
    constants, nodes = [], []
    for number in range(count):
        for kind, shape in (("w", (1, 1, 1, 1)), ("b", (1,))):
            constants.append(numpy_helper.from_array(np.full(shape, number, np.float32), f"{kind}{number}"))
        nodes.append(helper.make_node("Conv", [f"x{number}", f"w{number}", f"b{number}"], [f"x{number + 1}"]))
    ends = [helper.make_tensor_value_info(f"x{end}", TensorProto.FLOAT, [1, 1, 8, 8]) for end in (0, count)]
    graph = helper.make_graph(nodes, "tiny", ends[:1], ends[1:], constants)
    path = folder / FILE
    onnx.save(helper.make_model(graph, doc_string="".join(map(str, range(500_000)))), path)
    return path


@dataclass(frozen=True)
class Published:
    """A file that is published somewhere, and what a card says of it."""

    path: Path
    converted_sha256: str

    @property
    def content(self) -> bytes:
        return self.path.read_bytes()

    def spec(self, *sources: Source, **changes: Any) -> DownloadSpec:
        said = {"file": FILE, "sha256": sha256_of(self.path), "size_bytes": self.path.stat().st_size}
        return DownloadSpec.model_validate({**said, "sources": [source.model_dump() for source in sources], **changes})


NOWHERE = HttpsSource(kind="https", url="http://127.0.0.1:9/nowhere")  # type: ignore[arg-type]  # pydantic parses it


def write_card(folder: Path, published: Published, source: Source, **changes: Any) -> None:
    spec = published.spec(source, **changes)
    text = (folder / NAME / "card.toml").read_text()
    text = re.sub(r"family = .*", 'family = "u2net"', text)
    fields = ", ".join(f'{key} = "{value}"' for key, value in source.model_dump(mode="json").items() if value)
    text = text[: text.index("[download]")] + (
        f'[download]\nfile = "{spec.file}"\nsha256 = "{spec.sha256}"\nsize_bytes = {spec.size_bytes}\n'
        f'sources = [{{ {fields} }}]\n\n[converted]\nsha256 = "{published.converted_sha256}"\n'
    )
    (folder / NAME / "card.toml").write_text(text)


def pull(folder: Path, mirror: str | None = None) -> bool:
    """True where the pinned weights are there afterwards."""
    store = ModelStore(folder, mirror)
    store.pull(store.card(NAME), ignore)
    return store.verify(store.card(NAME)).is_file()


def left_over(folder: Path) -> list[str]:
    """Files of the model besides its card."""
    return sorted(path.name for path in (folder / NAME).rglob("*") if path.is_file() and path.name != "card.toml")

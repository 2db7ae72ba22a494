"""`clients/js` in a page of another origin than the service."""

import base64
import contextlib
import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from tests.fakes import make_store
from tests.pictures import encoded, painted
from tests.system.loading import tiny_server
from tests.weights import REPOSITORY

ASK = """
async ([url, photo]) => {
    const { Client, NoForeground } = await import("/silhouette.js");
    const silhouette = new Client(url, { key: "any" });
    const bytes = Uint8Array.from(atob(photo), (character) => character.charCodeAt(0));
    const result = await silhouette.removeBackground(new File([bytes], "photo.png"), { format: "webp" });
    const picture = await createImageBitmap(result.blob);
    const names = [];
    for await (const [name] of silhouette.batch("color-pop", [new File([bytes], "a.png"), bytes])) names.push(name);
    const refused = await silhouette.segment(bytes, { model: "sam" }).catch((error) => error);
    return {
        size: [picture.width, picture.height],
        said: [result.mediaType, result.model, result.requestId !== "", result.box.width > 0],
        names: names.sort(),
        code: refused.code,
    };
}
"""


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """The files of a folder, at an origin of their own."""

    class Files(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *arguments: Any) -> None: ...  # noqa: A002

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Files, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_a_page_of_another_origin_has_pictures_cut_out(browser: Browser, tmp_path: Path) -> None:
    photo = base64.b64encode(encoded(painted())).decode()
    with (
        served(REPOSITORY / "clients" / "js") as origin,
        tiny_server(make_store(tmp_path), SILHOUETTE_ALLOWED_ORIGINS=origin) as server,
    ):
        page = browser.new_page()
        page.goto(f"{origin}/package.json")
        answer = page.evaluate(ASK, [server.url, photo])
        page.close()
    assert answer == {
        "size": [200, 120],
        "said": ["image/webp", "tiny-subject@1", True, True],
        "names": ["1", "a.png"],
        "code": "unknown_model",
    }

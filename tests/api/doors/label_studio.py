"""Questions as Label Studio 1.23 asks them."""

import base64
from collections.abc import Sequence
from typing import Any

from httpx2 import Response
from starlette.testclient import TestClient

from tests.pictures import encoded

BRUSH = """
<View>
  <Image name="img" value="$photo" zoom="true"/>
  <BrushLabels name="tag" toName="img">
    <Label value="Red" background="#FF0000"/><Label value="Blue"/><Label value="Airplane"/>
  </BrushLabels>
</View>
"""


def uri(picture: Any) -> str:
    return "data:image/png;base64," + base64.b64encode(encoded(picture)).decode()


def task(picture: Any = None, **data: Any) -> dict[str, Any]:
    photo = {} if picture is None else {"photo": uri(picture)}
    return {"id": 7, "project": 1, "data": photo | data, "meta": {}, "inner_id": 1, "predictions": []}


def question(tasks: Sequence[dict[str, Any]], config: str = BRUSH) -> dict[str, Any]:
    params = {"login": None, "password": None, "context": None}
    return {"tasks": tasks, "project": "1.1700000000", "label_config": config, "params": params}


def ask(client: TestClient, *tasks: dict[str, Any], config: str = BRUSH) -> Response:
    return client.post("/label-studio/predict", json=question(tasks, config))


def results(client: TestClient, *tasks: dict[str, Any], config: str = BRUSH) -> list[dict[str, Any]]:
    answer = ask(client, *tasks, config=config)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["results"]
    assert len(found) == len(tasks)
    return found


def labelled(*attributes: str) -> str:
    labels = "".join(f"<Label {each}/>" for each in attributes)
    return f'<View><Image name="i" value="$photo"/><BrushLabels name="t" toName="i">{labels}</BrushLabels></View>'

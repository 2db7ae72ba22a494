"""The dashboard, the alerts and the operator's page must not fall behind the code."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from service.api.problems import STATUS
from service.settings import Settings
from service.telemetry.metrics import Metrics, Snapshot, WorkerStatus

ROOT = Path(__file__).parents[2]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
OBSERVABILITY = ROOT / "observability"
DASHBOARD: dict[str, Any] = json.loads((OBSERVABILITY / "grafana" / "dashboards" / "silhouette.json").read_text())
ALERTS: list[dict[str, Any]] = yaml.safe_load((OBSERVABILITY / "alerts.yml").read_text())["groups"][0]["rules"]

NAME = re.compile(r"\bsilhouette_\w+")
GROUPING = re.compile(r"\b(?:by|without) \(([\w, ]+)\)")
MATCHERS = re.compile(r"\{([^{}]+)\}")
LABEL = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
LEGEND_LABEL = re.compile(r"\{\{(\w+)\}\}")


@pytest.fixture(scope="module")
def rendered() -> str:
    """Everything that the service can say, each with all of its labels."""
    metrics = Metrics()
    workers = [WorkerStatus(0, 1, "idle", "cpu", 1, 1, node="10.0.0.1")]
    lanes, jobs = {"interactive": 0, "bulk": 0}, {"queued": 0}
    now = Snapshot(lanes, 0, lanes, 0, lanes, 0, 1, 0, 0, 0, 1, 0, True, workers, {"u2net": True}, jobs)
    metrics.watch(lambda: now)
    metrics.requests.labels("/segment", "u2net@1", "200", "ok", "")
    metrics.key_requests.labels("shop", "200")
    metrics.request_seconds.labels("/segment")
    metrics.stage_seconds.labels("queue")
    metrics.routed.labels("u2net", "selfie")
    metrics.model_changes.labels("load", "ok")
    for of_a_model in (metrics.batch_size, metrics.inferred, metrics.model_seconds):
        of_a_model.labels("u2net")
    for of_a_cause in (metrics.requeued, metrics.restarts):
        of_a_cause.labels("crash")
    return metrics.render().decode()


def samples(rendered: str) -> dict[str, set[str]]:
    """The labels of every metric, by its name."""
    families = text_string_to_metric_families(rendered)
    return {sample.name: set(sample.labels) for family in families for sample in family.samples}


def test_all_that_there_is_has_a_sample_here(rendered: str) -> None:
    """Or else a metric that is on no dashboard would go unseen below."""
    names = re.findall(r"(?m)^# TYPE (silhouette_\w+) ", rendered)
    assert [name for name in names if not re.search(rf"(?m)^{name}(_bucket)?[ {{]", rendered)] == []


def dashboard_targets() -> list[tuple[str, str]]:
    """(expression, legend)"""
    return [
        (target["expr"], target["legendFormat"])
        for panel in DASHBOARD["panels"]
        if panel["type"] != "row"
        for target in panel["targets"]
    ]


EXPRESSIONS = [expression for expression, _ in dashboard_targets()] + [rule["expr"] for rule in ALERTS]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_metric_that_is_asked_for_exists_and_has_the_labels(expression: str, rendered: str) -> None:
    known = samples(rendered)
    names = NAME.findall(expression)
    assert names or expression.startswith("up{")
    assert set(names) <= set(known)
    asked = {label for group in GROUPING.findall(expression) for label in re.split(r",\s*", group)}
    asked |= {label for matchers in MATCHERS.findall(expression) for label in LABEL.findall(matchers)}
    assert asked <= set().union({"job"}, *(known[name] for name in names))


@pytest.mark.parametrize(("expression", "legend"), dashboard_targets())
def test_every_legend_names_labels_that_its_expression_keeps(expression: str, legend: str, rendered: str) -> None:
    known = samples(rendered)
    grouped = {label for group in GROUPING.findall(expression) for label in re.split(r",\s*", group)}
    kept = grouped or set().union(*(known[name] for name in NAME.findall(expression)))
    assert set(LEGEND_LABEL.findall(legend)) <= kept


def test_every_metric_is_on_the_dashboard(rendered: str) -> None:
    shown = set(NAME.findall(" ".join(expression for expression, _ in dashboard_targets())))
    families = {
        re.sub(r"_(bucket|sum|count)$", "", name) for name in samples(rendered) if not name.endswith("_created")
    }
    assert families <= {re.sub(r"_(bucket|sum|count)$", "", name) for name in shown}


def test_every_panel_says_what_it_shows_and_has_a_place_of_its_own() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert panel["type"] == "row" or panel["description"]
        assert not cells & taken, panel["title"]
        taken |= cells
    assert max(x for x, _ in taken) < 24


def test_the_dashboard_asks_the_datasource_that_is_provisioned() -> None:
    (source,) = yaml.safe_load((OBSERVABILITY / "grafana/provisioning/datasources/prometheus.yml").read_text())[
        "datasources"
    ]
    asked = {target["datasource"]["uid"] for panel in DASHBOARD["panels"] for target in panel.get("targets", [])}
    assert asked == {source["uid"]}


def test_every_alert_says_what_to_do() -> None:
    for rule in ALERTS:
        assert rule["annotations"]["summary"]
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert f"`{rule['alert']}`" in OPERATIONS


@pytest.mark.parametrize("code", sorted({failure.code for failure in STATUS}))
def test_every_code_of_a_failure_is_explained_to_the_operator(code: str) -> None:
    assert f"`{code}`" in OPERATIONS


def test_every_metric_is_explained_to_the_operator(rendered: str) -> None:
    names = re.findall(r"(?m)^# TYPE (silhouette_\w+) ", rendered)
    missing = [name for name in names if not name.endswith("_created") and f"`{name}`" not in OPERATIONS]
    assert not missing


def test_every_setting_that_the_page_names_exists() -> None:
    named = set(re.findall(r"`SILHOUETTE_(\w+)", OPERATIONS))
    assert named
    assert named <= {name.upper() for name in Settings.model_fields}

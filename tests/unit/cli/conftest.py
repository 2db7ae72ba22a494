"""The command without a process of its own, a store of tiny models, and what a service counted."""

import subprocess
from pathlib import Path

import pytest

from service.cli import main
from service.telemetry.metrics import Metrics
from tests.fakes import make_store
from tests.unit.cli.commands import Command
from tests.unit.cli.top_metrics import SNAPSHOT


@pytest.fixture
def in_process(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """As `silhouette`, without the seconds that a new process takes, and one that its workers are forked from."""

    def run(*arguments: str | Path, **settings: str | Path) -> "subprocess.CompletedProcess[str]":
        for name, value in settings.items():
            monkeypatch.setenv(f"SILHOUETTE_{name.upper()}", str(value))
        with pytest.raises(SystemExit) as left:
            main(list(map(str, arguments)))
        said = capsys.readouterr()
        return subprocess.CompletedProcess([], int(left.value.code or 0), said.out, said.err)

    return run


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("store"))


@pytest.fixture
def metrics() -> Metrics:
    made = Metrics()
    made.watch(lambda: SNAPSHOT)
    return made

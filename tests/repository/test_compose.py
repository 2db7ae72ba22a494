"""What the container files promise. `make image-test` builds and runs them; this only reads."""

import json
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from service.api.state import LAST_ANSWERS_S
from service.app import STOP_TIMEOUT_S
from service.cli.server import CLOSE_TIMEOUT_S
from service.settings import Settings

ROOT = Path(__file__).resolve().parent.parent.parent
SECRET = re.compile(r"(?i)(password|secret|token|api_?key|credential)\w*\s*[=:]|-----BEGIN|://[^/\s]+:[^/\s]+@")


class Instruction(NamedTuple):
    name: str
    value: str


def read_dockerfile() -> list[Instruction]:
    text = re.sub(r"(?m)^#.*\n", "", (ROOT / "Dockerfile").read_text()).replace("\\\n", " ")
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    return [Instruction(name, value) for name, value in (line.split(" ", 1) for line in lines)]


def read_stage(name: str) -> list[Instruction]:
    """The instructions from `FROM ... AS name` to the next FROM."""
    stage: list[Instruction] = []
    inside = False
    for instruction in read_dockerfile():
        if instruction.name == "FROM":
            inside = instruction.value.endswith(f" AS {name}")
        if inside:
            stage.append(instruction)
    assert stage, f"no stage is called {name}"
    return stage


def values(stage: list[Instruction], name: str) -> list[str]:
    return [instruction.value for instruction in stage if instruction.name == name]


def read_services() -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    return services


@pytest.fixture(params=["silhouette", "silhouette-gpu"])
def service(request: pytest.FixtureRequest) -> dict[str, Any]:
    chosen: dict[str, Any] = read_services()[request.param]
    return chosen


def test_compose_up_alone_starts_the_cpu_service_and_nothing_else() -> None:
    assert [name for name, service in read_services().items() if "profiles" not in service] == ["silhouette"]


def test_the_gpu_service_is_in_a_profile_of_its_own_with_a_cuda_build_and_a_gpu() -> None:
    service = read_services()["silhouette-gpu"]
    assert service["profiles"] == ["gpu"]
    assert service["build"]["args"]["DEVICE"] == "cuda"
    assert service["environment"]["SILHOUETTE_DEVICE"] == "cuda"
    (device,) = service["deploy"]["resources"]["reservations"]["devices"]
    assert (device["driver"], device["capabilities"]) == ("nvidia", ["gpu"])


def test_the_two_services_do_not_share_an_image_name() -> None:
    built = [service["image"] for service in read_services().values() if "build" in service]
    assert len(built) == len(set(built)) == 2


def test_both_services_are_where_prometheus_looks() -> None:
    (scraped,) = yaml.safe_load((ROOT / "observability" / "prometheus.yml").read_text())["scrape_configs"]
    assert scraped["static_configs"] == [{"targets": ["silhouette:8000"]}]
    assert read_services()["silhouette-gpu"]["networks"]["default"]["aliases"] == ["silhouette"]


@pytest.fixture(params=["prometheus", "grafana"])
def observer(request: pytest.FixtureRequest) -> dict[str, Any]:
    chosen: dict[str, Any] = read_services()[request.param]
    return chosen


def test_an_observer_starts_only_when_asked_for_and_in_a_version_that_is_named(observer: dict[str, Any]) -> None:
    assert observer["profiles"] == ["observability"]
    assert re.fullmatch(r"\S+:v?\d+\.\d+\.\d+", observer["image"])


def test_an_observer_is_seen_from_this_machine_only(observer: dict[str, Any]) -> None:
    assert len(observer["ports"]) == 1
    assert observer["ports"][0].startswith("127.0.0.1:")


def test_an_observer_is_confined_and_cannot_change_what_it_is_given(observer: dict[str, Any]) -> None:
    assert observer["read_only"] is True
    assert observer["cap_drop"] == ["ALL"]
    assert observer["security_opt"] == ["no-new-privileges:true"]
    given = [volume.split(":") for volume in observer["volumes"] if volume.startswith("./")]
    assert given
    for source, _, mode in given:
        assert mode == "ro"
        assert (ROOT / source).exists()


def test_grafana_shows_everything_to_whoever_reaches_it_and_lets_nobody_in() -> None:
    environment = read_services()["grafana"]["environment"]
    assert environment["GF_AUTH_ANONYMOUS_ENABLED"] == "true"
    assert environment["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
    assert environment["GF_AUTH_DISABLE_LOGIN_FORM"] == "true"
    assert environment["GF_AUTH_BASIC_ENABLED"] == "false"
    assert environment["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "true"


@pytest.mark.parametrize(
    "name", ["REPORTING_ENABLED", "CHECK_FOR_UPDATES", "CHECK_FOR_PLUGIN_UPDATES", "FEEDBACK_LINKS_ENABLED"]
)
def test_grafana_tells_nobody_that_it_runs(name: str) -> None:
    assert read_services()["grafana"]["environment"][f"GF_ANALYTICS_{name}"] == "false"


def test_port_8000_is_published_to_this_machine_only(service: dict[str, Any]) -> None:
    assert service["ports"] == ["127.0.0.1:8000:8000"]


def test_the_root_is_read_only_and_tmp_is_not(service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert [mount.split(":")[0] for mount in service["tmpfs"]] == ["/tmp"]


def test_tmp_holds_every_upload_that_may_be_in_flight(service: dict[str, Any]) -> None:
    size = re.search(r"size=(\d+)g", service["tmpfs"][0])
    settings = Settings.model_fields
    most = settings["queue_capacity"].default * settings["max_upload_bytes"].default
    assert size is not None
    assert int(size[1]) * 2**30 >= most


def test_no_capability_is_kept_and_none_can_be_gained(service: dict[str, Any]) -> None:
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_the_grace_period_is_longer_than_draining_and_the_last_answers_may_take(service: dict[str, Any]) -> None:
    drain_s = Settings.model_fields["drain_timeout_s"].default
    last_s = LAST_ANSWERS_S + STOP_TIMEOUT_S + CLOSE_TIMEOUT_S
    assert int(service["stop_grace_period"].removesuffix("s")) > drain_s + last_s


def test_a_container_is_healthy_once_its_models_are_ready(service: dict[str, Any]) -> None:
    program, flag, source = shlex.split(service["healthcheck"]["test"])
    assert (program, flag) == ("python", "-c")
    assert "'127.0.0.1', 8000" in source
    assert "'/readyz'" in source
    compile(source, "healthcheck", "exec")


def test_a_signal_reaches_the_service_and_a_crash_restarts_it(service: dict[str, Any]) -> None:
    assert service["init"] is True
    assert service["restart"] == "unless-stopped"


def test_every_setting_that_compose_passes_on_exists(service: dict[str, Any]) -> None:
    passed = {name for name in service["environment"] if name.startswith("SILHOUETTE_")}
    assert passed
    assert passed <= {f"SILHOUETTE_{name.upper()}" for name in Settings.model_fields}


def test_the_base_image_is_an_argument_of_every_stage_that_has_one() -> None:
    dockerfile = read_dockerfile()
    assert dockerfile[0].name == "ARG"
    assert dockerfile[0].value.startswith("BASE_IMAGE=")
    stages = [value.split(" AS ")[1] for value in values(dockerfile, "FROM")]
    sources = {value.split(" AS ")[0] for value in values(dockerfile, "FROM")}
    assert sources - set(stages) == {"${BASE_IMAGE}"}
    assert stages[-1] == "runtime"


def test_the_image_runs_as_a_numbered_user_that_is_not_root() -> None:
    assert values(read_stage("runtime"), "USER") == ["10001:10001"]


def test_the_image_starts_the_service_without_a_shell_on_the_port_it_exposes() -> None:
    runtime = read_stage("runtime")
    (entrypoint,), (command,) = values(runtime, "ENTRYPOINT"), values(runtime, "CMD")
    assert json.loads(entrypoint) == ["silhouette"]
    assert json.loads(command) == ["serve", "--host", "0.0.0.0", "--port", "8000"]
    assert values(runtime, "EXPOSE") == ["8000"]
    assert values(runtime, "STOPSIGNAL") == ["SIGTERM"]


def test_the_healthcheck_is_a_python_program_that_asks_livez() -> None:
    (healthcheck,) = values(read_stage("runtime"), "HEALTHCHECK")
    program, flag, source = json.loads(healthcheck[healthcheck.index("[") :])
    assert (program, flag) == ("python", "-c")
    assert "'127.0.0.1', 8000" in source
    assert "'/livez'" in source
    compile(source, "healthcheck", "exec")


def test_the_runtime_stage_installs_nothing() -> None:
    steps = " ".join(values(read_stage("runtime"), "RUN"))
    assert not re.search(r"\b(apt|apt-get|pip)\b", steps)


def test_the_base_image_is_named_by_its_digest() -> None:
    assert re.fullmatch(r"BASE_IMAGE=\S+@sha256:[0-9a-f]{64}", read_dockerfile()[0].value)


def test_dependencies_change_with_the_lock_only_torch_first() -> None:
    copied = [source for value in values(read_stage("dependencies"), "COPY") for source in value.split()[:-1]]
    assert copied == ["requirements/torch-cpu.txt", "requirements/torch-cuda.txt", "requirements/runtime.txt"]


def test_all_that_is_installed_has_the_hash_of_the_lock() -> None:
    steps = " ".join(values(read_dockerfile(), "RUN"))
    without = [step for step in re.findall(r"pip install[^&;]*", steps) if "--require-hashes --no-deps" not in step]
    ours, other_cuda_build = sorted(without, key=lambda step: "TORCH_INDEX" in step)
    assert ours.split()[-1] == "/build"
    assert "--no-deps --no-build-isolation" in ours
    assert "torch==" in other_cuda_build


def test_the_image_is_labelled_with_the_version_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (labels,) = values(read_stage("runtime"), "LABEL")
    assert f'org.opencontainers.image.version="{project["version"]}"' in labels
    assert f'org.opencontainers.image.licenses="{project["license"]}"' in labels


def test_weights_are_pulled_and_verified_while_the_image_is_built() -> None:
    tools, step = values(read_stage("weights"), "RUN")
    assert tools.endswith("-r /build/requirements/pull.txt")
    assert step.startswith("silhouette models pull && silhouette models verify")
    store = "/opt/silhouette/model_store"
    assert f"--from=weights {store} {store}" in values(read_stage("runtime"), "COPY")


def test_compose_and_dockerfile_name_the_same_index_of_cpu_builds() -> None:
    default = re.search(r"\$\{TORCH_INDEX-(\S+?)\}", " ".join(values(read_stage("dependencies"), "RUN")))
    assert default is not None
    assert read_services()["silhouette"]["build"]["args"]["TORCH_INDEX"] == default[0]


def test_the_build_sees_only_what_is_named() -> None:
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert rules[0] == "*"
    named = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    copied = {
        source.split("/")[0]
        for value in values(read_dockerfile(), "COPY")
        if not value.startswith("--from")
        for source in value.split()[:-1]
    }
    assert named == copied


@pytest.mark.parametrize("name", ["Dockerfile", "docker-compose.yml", ".dockerignore"])
def test_no_secret_is_written_down(name: str) -> None:
    code = re.sub(r"(?m)(^|\s)#.*$", "", (ROOT / name).read_text())
    assert not SECRET.search(code)


@pytest.mark.parametrize("line", ["DB_PASSWORD=hunter2", "api_key: abc", "https://me:word@host/simple"])
def test_a_secret_would_be_seen(line: str) -> None:
    assert SECRET.search(line)

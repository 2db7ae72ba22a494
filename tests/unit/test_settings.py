"""Settings as operators write them in the environment."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from service.configuration_errors import ConfigurationError
from service.settings import REPOSITORY_STORE, Settings, misspelt, read_settings


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what a test sets: whoever runs the tests may have settings of their own."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"SILHOUETTE_{name.upper()}", raising=False)


def test_nothing_set_means_the_defaults() -> None:
    settings = read_settings()
    assert (settings.host, settings.port, settings.device) == ("127.0.0.1", 8000, "auto")
    assert settings.models is None
    assert settings.model_store == REPOSITORY_STORE
    assert settings.max_queue_delay_ms == 0
    assert settings.max_pixels == 64_000_000


@pytest.mark.parametrize(
    ("variable", "text", "field", "value"),
    [
        ("SILHOUETTE_PORT", "9000", "port", 9000),
        ("SILHOUETTE_MODELS", "u2net,selfie", "models", ("u2net", "selfie")),
        ("SILHOUETTE_MODELS", " selfie , u2net ,", "models", ("selfie", "u2net")),
        ("SILHOUETTE_MODELS", "", "models", None),
        ("SILHOUETTE_MODEL_STORE", "/srv/models", "model_store", Path("/srv/models")),
        ("SILHOUETTE_MIRROR", "https://example.org/m", "mirror", "https://example.org/m"),
        ("SILHOUETTE_DEVICE", "cuda:1", "device", "cuda:1"),
        ("SILHOUETTE_CUDA_GRAPHS", "false", "cuda_graphs", False),
        ("SILHOUETTE_WORKERS", "3", "workers", 3),
        ("SILHOUETTE_WORKERS", "auto", "workers", None),
        ("SILHOUETTE_WORKERS", "", "workers", None),
        ("SILHOUETTE_THREADS_PER_WORKER", "auto", "threads_per_worker", None),
        ("SILHOUETTE_MAX_BATCH_SIZE", "auto", "max_batch_size", None),
        ("SILHOUETTE_PIXEL_THREADS", "auto", "pixel_threads", None),
        ("SILHOUETTE_MAX_QUEUE_DELAY_MS", "2.5", "max_queue_delay_ms", 2.5),
        ("SILHOUETTE_MAX_MEGAPIXELS", "0.5", "max_pixels", 500_000),
        ("SILHOUETTE_LOG_FORMAT", "json", "log_format", "json"),
        ("SILHOUETTE_FETCH", "off", "fetch", ()),
        ("SILHOUETTE_FETCH", "https, HTTP", "fetch", ("https", "http")),
        ("SILHOUETTE_FETCH_PORTS", "443,8443", "fetch_ports", (443, 8443)),
        (
            "SILHOUETTE_FETCH_HOSTS",
            "Images.example.org., *.shop.example",
            "fetch_hosts",
            ("images.example.org", "*.shop.example"),
        ),
        ("SILHOUETTE_TRUSTED_PROXIES", "10.0.0.1,*", "trusted_proxies", ("10.0.0.1/32", "*")),
    ],
)
def test_a_variable_sets_its_field(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str, field: str, value: object
) -> None:
    monkeypatch.setenv(variable, text)
    assert getattr(read_settings(), field) == value


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("SILHOUETTE_PORT", "http"),
        ("SILHOUETTE_PORT", "70000"),
        ("SILHOUETTE_DEVICE", "gpu"),
        ("SILHOUETTE_DEVICE", "cuda:"),
        ("SILHOUETTE_DEVICE", "cuda:1\n"),
        ("SILHOUETTE_WORKERS", "0"),
        ("SILHOUETTE_WORKERS", "many"),
        ("SILHOUETTE_MAX_BATCH_SIZE", "-1"),
        ("SILHOUETTE_MAX_QUEUE_DELAY_MS", "-1"),
        ("SILHOUETTE_MAX_QUEUE_DELAY_MS", "nan"),
        ("SILHOUETTE_QUEUE_CAPACITY", "0"),
        ("SILHOUETTE_REQUEST_TIMEOUT_S", "0"),
        ("SILHOUETTE_MAX_MEGAPIXELS", "500"),
        ("SILHOUETTE_LOG_FORMAT", "xml"),
        ("SILHOUETTE_FETCH", "ftp"),
        ("SILHOUETTE_FETCH_PRIVATE", "inner"),
        ("SILHOUETTE_FETCH_PORTS", "https"),
    ],
)
def test_a_wrong_value_names_its_variable_in_one_line(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str
) -> None:
    monkeypatch.setenv(variable, text)
    with pytest.raises(ConfigurationError, match=rf"^{variable}: ") as failed:
        read_settings()
    assert repr(text) in str(failed.value)
    assert len(str(failed.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("variable", "text", "wanted"),
    [
        ("SILHOUETTE_DEVICE", "gpu", "auto, cpu, cuda or cuda:N"),
        ("SILHOUETTE_PRECISION", "int9", "u2net=int8"),
        ("SILHOUETTE_RAY_APPLICATION", "My App", "small letters"),
        ("SILHOUETTE_ROOT_PATH", "silhouette/", "/silhouette"),
        ("SILHOUETTE_LABEL_STUDIO_URL", "studio:8080/", "http://host:port"),
    ],
)
def test_a_value_of_the_wrong_form_is_told_what_is_wanted_and_no_pattern(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str, wanted: str
) -> None:
    monkeypatch.setenv(variable, text)
    with pytest.raises(ConfigurationError) as failed:
        read_settings()
    assert wanted in str(failed.value)
    assert not set(str(failed.value)) & set("^$\\|")
    assert "Value error" not in str(failed.value)


def test_a_typing_error_in_the_name_of_a_setting_is_found() -> None:
    others = ("SILHOUETTE_PORT", "SILHOUETTE_API_KEY", "SILHOUETTE_TEST_URL", "SILHOUETTE_SERVICE_HOST", "PATH")
    wrong = {"SILHOUETTE_PRECISON": "SILHOUETTE_PRECISION", "SILHOUETTE_KEY_FILE": "SILHOUETTE_KEYS_FILE"}
    assert misspelt([*wrong, *others]) == wrong


def test_what_is_passed_wins_over_the_environment_and_none_is_not_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SILHOUETTE_PORT", "9000")
    assert read_settings(port=9001).port == 9001
    assert read_settings(port=None).port == 9000


def test_an_inner_network_is_fetched_from_only_by_names_of_its_hosts() -> None:
    with pytest.raises(ConfigurationError, match=r"^SILHOUETTE_FETCH_PRIVATE opens .* SILHOUETTE_FETCH_HOSTS$"):
        read_settings(fetch_private="10.0.0.0/8")
    opened = read_settings(fetch_private="10.0.0.0/8", fetch_hosts="images.internal")
    assert opened.fetch_private == ("10.0.0.0/8",)


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="SILHOUETTE_COLOUR"):
        read_settings(colour="red")


def test_settings_do_not_change() -> None:
    settings = read_settings()
    with pytest.raises(ValidationError, match="frozen"):
        settings.port = 1


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_described(name: str) -> None:
    assert Settings.model_fields[name].description


@pytest.mark.parametrize(
    ("more", "words"),
    [({}, "SILHOUETTE_SHARED_URL"), ({"shared_url": "redis://redis", "jobs_folder": "/srv/jobs"}, "JOBS_FOLDER")],
)
def test_jobs_in_redis_take_a_redis_and_no_folder(more: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        read_settings(jobs="redis", **more)
    assert read_settings(shared_url="redis://redis").jobs == "disk"

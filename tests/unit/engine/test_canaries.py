"""Which requests a canary gets."""

import pytest

from service.configuration_errors import ConfigurationError
from service.engine.canaries import Canaries, check_cards
from service.models.catalogue import Catalogue
from service.models.store import ModelStore
from service.settings import read_settings
from service.telemetry.metrics import Metrics
from tests.fakes import make_store


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    store = ModelStore(make_store(tmp_path_factory.mktemp("canaries")))
    return Catalogue([store.card(name) for name in ("tiny-subject", "tiny-classes")])


@pytest.mark.parametrize("percent", ["5", "12.5", "50", "99"])
def test_a_canary_gets_its_share_of_few_requests_as_of_many(catalogue: Catalogue, percent: str) -> None:
    canaries = Canaries(read_settings(routes=f"tiny-subject=tiny-classes:{percent}%").routes, Metrics())
    subject = catalogue.card("tiny-subject")
    got = [canaries.instead_of(subject, catalogue) is not None for _ in range(1000)]
    for count in (40, 200, 1000):
        assert sum(got[:count]) == pytest.approx(count * float(percent) / 100, abs=2)


def test_a_canary_gets_all_where_that_is_said(catalogue: Catalogue) -> None:
    canaries = Canaries(read_settings(routes="tiny-subject=tiny-classes:100%").routes, Metrics())
    assert all(canaries.instead_of(catalogue.card(None), catalogue) for _ in range(100))


def test_other_models_and_two_that_answer_as_one_keep_their_requests(catalogue: Catalogue) -> None:
    canaries = Canaries(read_settings(routes="tiny-subject=tiny-classes:100%").routes, Metrics())
    assert canaries.instead_of(catalogue.card("tiny-classes"), catalogue) is None
    assert canaries.instead_of(catalogue.model("best"), catalogue) is None


def test_a_canary_that_is_not_loaded_gets_nothing(catalogue: Catalogue) -> None:
    canaries = Canaries(read_settings(routes="tiny-subject=tiny-classes:100%").routes, Metrics())
    alone = Catalogue([catalogue.card("tiny-subject")])
    assert canaries.instead_of(alone.card(None), alone) is None


def test_a_route_to_a_model_without_a_card_is_refused_at_the_start() -> None:
    routes = read_settings(routes="tiny-subject=tiny-classes:5%").routes
    check_cards(routes, ["tiny-subject", "tiny-classes"])
    with pytest.raises(ConfigurationError, match="have no card: tiny-classes"):
        check_cards(routes, ["tiny-subject"])


@pytest.mark.parametrize(
    "wrong", ["u2net", "u2net=selfie", "u2net=selfie:0%", "u2net=selfie:101%", "u2net=u2net:5%", "a=b:5%,a=c:5%"]
)
def test_a_route_that_means_nothing_is_refused(wrong: str) -> None:
    with pytest.raises(ConfigurationError, match="SILHOUETTE_ROUTES"):
        read_settings(routes=wrong)

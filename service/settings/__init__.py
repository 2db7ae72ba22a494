"""Every knob, read once from `SILHOUETTE_*` in the environment. Units are in the names; None means off."""

import difflib
from collections.abc import Iterable
from typing import Self

from pydantic import ValidationError, model_validator

from service.configuration_errors import ConfigurationError
from service.errors.wording import wording_of
from service.settings.connections import ConnectionSettings
from service.settings.features import FeatureSettings
from service.settings.fetching import FetchSettings
from service.settings.films import FilmSettings
from service.settings.fronts import FrontSettings
from service.settings.jobs import JobSettings
from service.settings.limits import MEGAPIXEL, LimitSettings
from service.settings.models import REPOSITORY_STORE, ModelSettings
from service.settings.pool import PoolSettings
from service.settings.shared import SharedSettings
from service.settings.traces import TraceSettings

__all__ = ["MEGAPIXEL", "REPOSITORY_STORE", "Settings", "misspelt", "read_settings"]


PREFIX = "SILHOUETTE_"

NO_SETTINGS = {"SILHOUETTE_API_KEY"}
"""What commands read that ask a service."""

ALIKE = 0.91
"""For difflib. SILHOUETTE_TEST_URL, which tests have, and SILHOUETTE_TRACES_URL are at .90."""

ONE_FRONT_ONLY = ("model_idle_s",)
"""What fronts would have to agree on, and cannot."""


class Settings(
    FeatureSettings,
    JobSettings,
    FilmSettings,
    FetchSettings,
    LimitSettings,
    PoolSettings,
    ModelSettings,
    FrontSettings,
    SharedSettings,
    TraceSettings,
    ConnectionSettings,
):
    """One frozen object, passed to whoever needs it."""

    @model_validator(mode="after")
    def _one_front_has_it_all(self) -> Self:
        for name in ONE_FRONT_ONLY:
            if self.fronts > 1 and getattr(self, name) is not None:
                raise ValueError(f"SILHOUETTE_{name.upper()} takes SILHOUETTE_FRONTS=1: it is one process' affair")
        return self

    @model_validator(mode="after")
    def _jobs_have_their_redis(self) -> Self:
        if self.jobs == "redis" and self.shared_url is None:
            raise ValueError("SILHOUETTE_JOBS=redis takes SILHOUETTE_SHARED_URL: the Redis that keeps them")
        return self


def misspelt(names: Iterable[str]) -> dict[str, str]:
    """Variables that are no settings and look like one, with that one: whoever set them has set nothing.

    Others may begin with SILHOUETTE_ too: those of tests, or what Kubernetes says of a service of this name.
    """
    known = {f"{PREFIX}{field.upper()}" for field in Settings.model_fields} | NO_SETTINGS
    strange = (name for name in names if name.startswith(PREFIX) and name not in known)
    near = {name: difflib.get_close_matches(name, known, n=1, cutoff=ALIKE) for name in strange}
    return {name: found[0] for name, found in near.items() if found}


def read_settings(**overrides: object) -> Settings:
    """Settings from the environment, with `overrides` on top. Raises ConfigurationError naming the variable."""
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        if not first["loc"]:  # two settings that do not go together
            raise ConfigurationError(wording_of(first)) from error
        variable = PREFIX + "_".join(str(part) for part in first["loc"][:1]).upper()
        raise ConfigurationError(f"{variable}: {wording_of(first)}, but it is {first['input']!r}") from error

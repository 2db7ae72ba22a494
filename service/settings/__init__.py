"""Every knob, read once from `SILHOUETTE_*` in the environment. Units are in the names; None means off."""

from typing import Self

from pydantic import ValidationError, model_validator

from service.configuration_errors import ConfigurationError
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

__all__ = ["MEGAPIXEL", "REPOSITORY_STORE", "Settings", "read_settings"]


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


def read_settings(**overrides: object) -> Settings:
    """Settings from the environment, with `overrides` on top. Raises ConfigurationError naming the variable."""
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        if not first["loc"]:  # two settings that do not go together
            raise ConfigurationError(first["msg"].removeprefix("Value error, ")) from error
        variable = "SILHOUETTE_" + "_".join(str(part) for part in first["loc"][:1]).upper()
        raise ConfigurationError(f"{variable}: {first['msg']}, but it is {first['input']!r}") from error

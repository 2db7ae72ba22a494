"""Every knob, read once from `SILHOUETTE_*` in the environment. Units are in the names; None means off."""

from pydantic import ValidationError

from service.configuration_errors import ConfigurationError
from service.settings.connections import ConnectionSettings
from service.settings.features import FeatureSettings
from service.settings.fetching import FetchSettings
from service.settings.films import FilmSettings
from service.settings.jobs import JobSettings
from service.settings.limits import MEGAPIXEL, LimitSettings
from service.settings.models import REPOSITORY_STORE, ModelSettings

__all__ = ["MEGAPIXEL", "REPOSITORY_STORE", "Settings", "read_settings"]


class Settings(
    FeatureSettings, JobSettings, FilmSettings, FetchSettings, LimitSettings, ModelSettings, ConnectionSettings
):
    """One frozen object, passed to whoever needs it."""


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

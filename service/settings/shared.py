"""What several services have in common."""

from typing import Annotated

from pydantic import Field, SecretStr, field_validator

from service.environment import OR_EMPTY
from service.settings.part import SettingsPart

VALKEY = "valkey://"
SCHEMES = ("redis://", "rediss://", VALKEY, "unix://")


class SharedSettings(SettingsPart):
    """What several services have in common."""

    shared_url: Annotated[SecretStr | None, OR_EMPTY] = Field(None)
    """A Redis or Valkey, `redis://:PASSWORD@HOST:6379/0`, where services behind one balancer count the quotas of keys
    together and, with `cache_max_bytes`, find each other's answers. Each request with a key then waits for it, half a
    second at most; while it is away each service counts for itself."""

    @field_validator("shared_url")
    @classmethod
    def _is_a_store(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(SCHEMES):
            raise ValueError(f"must begin with one of {', '.join(SCHEMES)}")
        return value


def address_of(url: SecretStr) -> str:
    """As the client of Redis has it, which knows no Valkey."""
    return url.get_secret_value().replace(VALKEY, "redis://", 1)

"""Where one can see what became of each request."""

from typing import Annotated

from pydantic import Field, field_validator

from service.environment import OR_EMPTY
from service.settings.part import SettingsPart


class TraceSettings(SettingsPart):
    """Where one can see what became of each request."""

    traces_url: Annotated[str | None, OR_EMPTY] = Field(None)
    """Where spans of requests and jobs are sent, as OTLP over HTTP: `http://collector:4318/v1/traces`. How many, with
    which headers and under which name is said by OpenTelemetry's own `OTEL_*`. Each request then takes CPU time for its
    spans."""

    @field_validator("traces_url")
    @classmethod
    def _is_a_url(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return value

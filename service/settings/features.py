"""What is offered, and to whom."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from service.environment import OR_EMPTY, HostNames, matching
from service.settings.part import SettingsPart


class FeatureSettings(SettingsPart):
    """What is offered, and to whom."""

    studio: bool = True
    """The page at `/`, where a browser can try everything. `off` removes it; the endpoints it uses stay."""

    doors: Annotated[tuple[str, ...] | None, NoDecode] = None
    """Contracts of other services that are answered beside our own, as `rembg,removebg`; see `docs/doors.md`. Unset or
    `all`: all of them; `none`: only our own. Each opens paths of its own."""

    max_sessions: int = Field(8, ge=0)
    """Live sessions on `/stream` at once; 0 refuses all. Higher shares the workers among more cameras."""

    max_session_fps: float = Field(30.0, gt=0)
    """Frames a second that one session gets answers to; others are dropped. Higher lets one camera take more of the
    workers."""

    session_idle_timeout_s: float = Field(60.0, gt=0)
    """A session that sends nothing, or reads nothing, for so long is closed. Higher keeps places for the absent."""

    max_hellos: int = Field(32, ge=1)
    """Clients of `/stream` that have not said hello yet. Where there are more, the one that was silent for longest is
    closed."""

    hello_timeout_s: float = Field(10.0, gt=0)
    """For the first message of a session. Higher keeps connections of those who never say anything."""

    allowed_hosts: HostNames = ()
    """Names that the service answers to beside addresses, `localhost`, names without a dot and this machine's own:
    `photos.example.org`, or `*.example.org` for all below; `*` is any. A page of any other name could be an attacker's
    that has its name point here (DNS rebinding), and would be taken for a page of the service."""

    allowed_origins: HostNames = ()
    """Other origins, as `https://meet.example.org`, whose pages may ask for anything (CORS) and open `/stream`; `*` is
    any. Pages of the service's own origin always may, and so may programs, which send none."""

    label_studio_url: Annotated[str | None, matching(r"https?://[^/]+", "http://host:port"), OR_EMPTY] = None
    """Where Label Studio has the pictures that its tasks name by a path. Fetched as `fetch` and the others allow."""

    label_studio_token: Annotated[SecretStr | None, OR_EMPTY] = None
    """Of an account there. Whoever may ask for predictions has the pictures looked at that this account may see."""

    keys_file: Annotated[Path | None, OR_EMPTY] = None
    """The file of keys, see `silhouette keys --help`; whoever has none of them is refused. Unset: everybody may ask for
    everything."""

    log_format: Literal["auto", "text", "json"] = "auto"
    """`auto` is text on a terminal and JSON, one object a line, everywhere else."""

    @field_validator("doors", mode="before")
    @classmethod
    def _split_doors(cls, value: object) -> object:
        if isinstance(value, str):
            names = tuple(name.strip().lower() for name in value.split(",") if name.strip())
            return {("all",): None, (): None, ("none",): ()}.get(names, names)
        return value

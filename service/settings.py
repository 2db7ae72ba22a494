"""Every knob, read once from `SILHOUETTE_*` in the environment. Units are in the names; None means off."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from service.environment import HostNames, Networks, Ports, Schemes
from service.errors import ConfigurationError

MEGAPIXEL = 1_000_000

PRECISION_PATTERN = r"^(auto|fp32|int8|[a-z0-9-]+=(fp32|int8)(, *[a-z0-9-]+=(fp32|int8))*)$"

REPOSITORY_STORE = Path(__file__).resolve().parent.parent / "model_store"


class Settings(BaseSettings):
    """One frozen object, passed to whoever needs it. Each field says what raising it costs."""

    model_config = SettingsConfigDict(
        env_prefix="SILHOUETTE_", frozen=True, extra="forbid", use_attribute_docstrings=True
    )

    host: str = "127.0.0.1"
    """Address to listen on. `0.0.0.0` lets other machines in."""

    port: int = Field(8000, ge=0, le=65535)
    """Port to listen on; 0 takes a free one."""

    models: Annotated[tuple[str, ...] | None, NoDecode] = None
    """Models that every worker loads, the default model first. Unset: u2net and selfie, and deeplab-voc where it was
    pulled. Each one costs memory in every worker."""

    model_store: Path = REPOSITORY_STORE
    """Folder of model cards and weights."""

    mirror: str | None = None
    """A folder or base URL that has the models' original files; asked before the public addresses."""

    device: str = Field("auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$")
    """auto, cpu, cuda or cuda:N. `auto` is CUDA where there is any; a device that is named must be there."""

    workers: int | None = Field(None, ge=1)
    """Worker processes on a CPU, or per CUDA device. Unset: one per core, at most 8; one per CUDA device. Each holds
    its own activations, about 300 MB with U2-Net."""

    threads_per_worker: int | None = Field(None, ge=1)
    """Threads of one CPU worker, always. Unset: all cores for a worker that works alone, and the cores divided by the
    workers when all are busy: two 1-thread workers were measured at 1.13 times the images of one 2-thread worker."""

    precision: str = Field("auto", pattern=PRECISION_PATTERN)
    """On a CPU: auto, fp32, int8, or one a model, `u2net=int8,selfie=fp32`. `auto` is what each model's card prefers
    where the CPU has VNNI instructions. int8 takes models that were calibrated for it; others stay in fp32. On CUDA
    all run in fp16."""

    cuda_graphs: bool = True
    """On CUDA: record each size of batch when a worker starts, and launch it in one call. Off, kernels are launched one
    by one, a worker starts sooner and keeps less memory on the device."""

    max_batch_size: int | None = Field(None, ge=1)
    """Images that a worker takes at once. Unset: 1 on a CPU, where batches of 4 were measured at 0.78 times the speed
    of single images; 8 on CUDA."""

    max_queue_delay_ms: float = Field(0.0, ge=0)
    """How long a batch that is not full waits for more images. Higher fills batches and delays a lone request."""

    queue_capacity: int = Field(64, ge=1)
    """Requests in flight. Higher hides overload as latency and holds more images in memory."""

    max_bytes_in_flight: int = Field(256 * 1024 * 1024, ge=1)
    """Request bodies and answers in memory, all together. Higher admits more large uploads at once."""

    max_megapixels_in_flight: float = Field(200.0, gt=0)
    """Decoded pictures in memory, all together; more wait until there is room. A megapixel was measured at 11 to 15 MB
    while it is composed (benchmarks/reliability/picture_memory.py). Higher decodes more pictures at once."""

    request_timeout_s: float = Field(60.0, gt=0)
    """From the arrival of a request's last byte to its answer. `X-Request-Timeout-Ms`, which counts from the first,
    lowers it. Higher lets clients wait longer in an overloaded queue."""

    ready_max_wait_s: float | None = Field(None, gt=0)
    """`/readyz` says no while a new request would wait for longer than this, so that balancers send it to other
    machines. Unset, it says no only where nobody is served. Higher lets one machine's queue grow longer."""

    max_connections: int = Field(1024, ge=1)
    """Open connections, idle ones too. Where there are more, the one that was idle for longest is closed. Each takes
    about 20 kB, and a file descriptor."""

    keep_alive_timeout_s: float = Field(75.0, gt=0)
    """A connection without a request is closed after so long. It must be longer than that of a balancer in front, or
    else some of its requests meet a closing connection; most keep 60."""

    header_timeout_s: float = Field(20.0, gt=0)
    """For the headers of one request. Higher keeps those who send them on purpose a byte at a time."""

    max_header_bytes: int = Field(65_536, ge=1024)
    """Of one request, its path included. Higher lets each connection take as much memory before it is known."""

    trusted_proxies: Networks = ("127.0.0.1/32", "::1/128")
    """Addresses or networks of the proxies in front, whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed; `*`
    is any. Whoever is named here can pretend to be anybody."""

    max_uploads: int = Field(256, ge=1)
    """Request bodies that are on their way at once. They wait for a place among `queue_capacity` when they are here;
    higher lets more of them wait. Where all are taken, the slowest makes room for the next."""

    upload_timeout_s: float = Field(30.0, gt=0)
    """What one request body may take beyond its length at `min_bytes_per_s`. Higher lets silent clients stay longer."""

    send_timeout_s: float = Field(30.0, gt=0)
    """What one answer may take beyond its length at `min_bytes_per_s`. Higher keeps answers in memory that nobody
    reads."""

    min_bytes_per_s: float = Field(8192.0, gt=0)
    """How fast a client has to send and to read, on average. Lower serves slower lines, and lets clients who are slow
    on purpose hold memory for longer."""

    peer_share: float = Field(0.5, gt=0, le=1)
    """How much of what all clients share one address may have while there are others: connections, uploads, live
    sessions, bytes and megapixels in flight. Higher lets one client fill the service; 1 is right where all come from
    one address."""

    drain_timeout_s: float = Field(30.0, gt=0)
    """For answering what was accepted when the service is told to stop."""

    max_upload_bytes: int = Field(32 * 1024 * 1024, ge=1)
    """Largest request body. Higher lets one request take more of `max_bytes_in_flight`."""

    max_megapixels: float = Field(64.0, gt=0, le=178)
    """Largest picture, checked on its header: phones take 50.1 (8160 x 6144). A 12 megapixel request was measured at
    138 to 174 MB of memory while it is composed. Pillow itself refuses more than 178."""

    batch_timeout_s: float = Field(30.0, gt=0)
    """A worker that is silent for so long on one batch is killed and replaced. Higher finds hangs later."""

    heartbeat_interval_s: float = Field(5.0, gt=0)
    """How often an idle worker is asked whether it is well."""

    heartbeat_timeout_s: float = Field(5.0, gt=0)
    """An idle worker that does not answer for so long is killed and replaced."""

    max_batches_per_worker: int | None = Field(None, ge=1)
    """A worker that ran so many is replaced. Lower hides slow leaks, and costs a start of the models each time."""

    max_worker_rss_mb: int | None = Field(None, ge=1)
    """A worker whose resident memory is above this is replaced, in units of 1,000,000 bytes."""

    max_batch_megapixels: float | None = Field(None, gt=0)
    """Of a batch, counted at the network's input size. A second limit beside `max_batch_size`."""

    pixel_threads: int | None = Field(None, ge=1)
    """Threads that decode, resize, compose and encode. Unset: one per core. Higher holds more pictures in memory."""

    cache_max_bytes: int = Field(0, ge=0)
    """Answers that are kept, for callers who ask the same again; 0 keeps none. Higher takes that much memory."""

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

    fetch: Schemes = ()
    """How pictures may be fetched that a caller names by a URL: `https`, or `https,http`. Off, such requests are
    refused. On, callers choose what this machine connects to; the four below bound that."""

    fetch_hosts: HostNames = ("*",)
    """Hosts that are fetched from: `images.example.org`, or `*.example.org` for all below; `*` is any that has a public
    address."""

    fetch_ports: Ports = (80, 443)
    """Ports that are fetched from. Others lead to services that take a request for something else."""

    fetch_private: Networks = ()
    """Addresses or networks that are fetched from although they are not public, such as that of an image store,
    `10.1.2.0/24`. Whoever may ask for a fetch reaches them, so they take names in `fetch_hosts`, not `*`."""

    fetch_ca_file: Path | None = None
    """Certificates (PEM) of further authorities that servers of pictures are believed by."""

    fetch_timeout_s: float = Field(20.0, gt=0)
    """For one picture, redirects included. Higher keeps a place of `queue_capacity` for servers that do not answer."""

    max_fetches: int = Field(16, ge=1)
    """Pictures that are being fetched at once. Each keeps a place of `queue_capacity` meanwhile: higher lets slow
    servers take more of them."""

    label_studio_url: str | None = Field(None, pattern=r"^https?://[^/]+$")
    """Where Label Studio has the pictures that its tasks name by a path. Fetched as `fetch` and the others allow."""

    label_studio_token: SecretStr | None = None
    """Of an account there. Whoever may ask for predictions has the pictures looked at that this account may see."""

    root_path: str = Field("", pattern=r"^(/[^/]+)*$")
    """The path under which a proxy offers the service, such as `/silhouette`, and which it takes off before it asks:
    `/docs` and its examples need to know."""

    keys_file: Path | None = None
    """The file of keys, see `silhouette keys --help`; whoever has none of them is refused. Unset: everybody may ask for
    everything."""

    log_format: Literal["auto", "text", "json"] = "auto"
    """`auto` is text on a terminal and JSON, one object a line, everywhere else."""

    @field_validator("models", mode="before")
    @classmethod
    def _split_names(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(name.strip() for name in value.split(",") if name.strip()) or None
        return value

    @field_validator("doors", mode="before")
    @classmethod
    def _split_doors(cls, value: object) -> object:
        if isinstance(value, str):
            names = tuple(name.strip().lower() for name in value.split(",") if name.strip())
            return {("all",): None, (): None, ("none",): ()}.get(names, names)
        return value

    @field_validator("workers", "threads_per_worker", "max_batch_size", "pixel_threads", mode="before")
    @classmethod
    def _auto_is_unset(cls, value: object) -> object:
        return None if value in ("", "auto") else value

    @field_validator(
        "keys_file",
        "fetch_ca_file",
        "label_studio_url",
        "label_studio_token",
        "max_batches_per_worker",
        "max_worker_rss_mb",
        "max_batch_megapixels",
        mode="before",
    )
    @classmethod
    def _empty_is_off(cls, value: object) -> object:
        return None if value == "" else value

    @model_validator(mode="after")
    def _one_request_fits(self) -> Self:
        if self.max_bytes_in_flight < self.max_upload_bytes:
            raise ValueError("SILHOUETTE_MAX_BYTES_IN_FLIGHT must be at least SILHOUETTE_MAX_UPLOAD_BYTES")
        if self.max_megapixels_in_flight < 2 * self.max_megapixels:  # a photo and its background
            raise ValueError("SILHOUETTE_MAX_MEGAPIXELS_IN_FLIGHT must be at least twice SILHOUETTE_MAX_MEGAPIXELS")
        return self

    @model_validator(mode="after")
    def _private_hosts_are_named(self) -> Self:
        if self.fetch_private and "*" in self.fetch_hosts:
            raise ValueError("SILHOUETTE_FETCH_PRIVATE opens an inner net: name its hosts in SILHOUETTE_FETCH_HOSTS")
        if "*" in self.fetch_private:
            raise ValueError("SILHOUETTE_FETCH_PRIVATE names networks; `*` is none")
        return self

    @property
    def max_pixels(self) -> int:
        return int(self.max_megapixels * MEGAPIXEL)


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

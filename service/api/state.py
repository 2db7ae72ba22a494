"""What the routes work with: the engine, and whether it can be used right now."""

import asyncio
from dataclasses import dataclass, field

from service.engine import Engine
from service.errors import ConfigurationError, Draining, NotReady
from service.pipeline import Call, Pipeline
from service.settings import Settings

START_RETRY_AFTER_S = 5


@dataclass
class Service:
    """The running service, built once by `app.py`."""

    settings: Settings
    engine: Engine
    started: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when every worker has been ready once."""
    draining: bool = False
    failure: ConfigurationError | None = None
    """Why it could not start."""

    @property
    def pipeline(self) -> Pipeline:
        return self.engine.pipeline

    def new_call(self) -> Call:
        """The clock of a request starts here."""
        return Call(asyncio.get_running_loop().time() + self.settings.request_timeout_s)

    def check_started(self) -> None:
        """Raises NotReady until every worker was ready once."""
        if not self.started.is_set():
            pool = self.engine.pool
            raise NotReady(f"{pool.ready_count} of {pool.size} workers have loaded their models", START_RETRY_AFTER_S)

    def check_ready(self) -> None:
        """Raises NotReady or Draining where a request could not be answered now."""
        if self.draining:
            raise Draining(retry_after_s=START_RETRY_AFTER_S)
        self.check_started()
        if not self.engine.pool.ready_count:
            raise NotReady("every worker died and is being started again", START_RETRY_AFTER_S)

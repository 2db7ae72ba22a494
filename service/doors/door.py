"""What a door is: somebody else's contract, which his clients speak, translated to our operations and back.

To write one, say for the contract of `acme`:

1. `service/doors/acme.py` (a folder where 300 lines do not suffice) has an `APIRouter` with the routes, and
   `ACME = Door(...)`. `DOORS` in `service/doors/__init__.py` gets its row.
2. An endpoint reads the request with `service/doors/reading.py` (forms, JSON, base64: all within the service's limits),
   makes an `ImageRequest` of an operation and its options, and awaits `run_operation` of `service/api/running.py`. No
   second pipeline, no pixel on the event loop: what the contract needs beyond an operation is an `Operation` of the
   door's own that is in no table. `ServiceDep` of `service/api/state.py` is the service. FastAPI validates nothing: its
   words for what is wrong are not the contract's.
3. What goes wrong is raised: a class of `service/errors.py`, or a finer one beside the endpoint that derives from one
   of those and has a `code` and a `title` of its own; its status is then that of the class above it. `NotOffered` (501)
   is for what the contract has and we do not.
4. `refusal` words each of them as the contract does, and whatever else is refused on the door's paths: by the Gate on
   the headers alone (no key, not ready, too long), a path below its prefixes that is not there, a bug. `Retry-After`
   and the like are added to what it returns.
5. `docs/doors.md` gets a section with the door's name as its heading, README its row, `tests/api/doors/forms.py` the
   form of its refusals, and `tests/api/doors/` its tests; those with the real client, from the extra `doors`, are in
   `tests/doors/`.

Routes are not in the OpenAPI document: whoever speaks the contract has its own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fastapi import APIRouter
from starlette.responses import Response

from service.access.quotas import Allowance
from service.api.doorway import Refusal


@dataclass(frozen=True)
class Door:
    """One contract."""

    name: str
    """In `SILHOUETTE_DOORS`, in the log and in the metrics: `rembg`."""
    help: str
    """Whose contract it is, for a list of all: `rembg's server`."""
    router: APIRouter
    prefixes: frozenset[str]
    """Paths that are the door's, each with all below it; where a prefix of another door is longer, that one's it is."""
    refusal: Callable[[Refusal], Response]
    """The words of the contract for a request that gets no result."""
    limits: Callable[[Allowance], Mapping[str, str]] = lambda allowance: {}
    """Headers of the contract for what a key may still use."""
    open_paths: frozenset[str] = frozenset()
    """Paths that may be read without a key: probes, and pages that show nothing but themselves."""
    working_gets: frozenset[str] = frozenset()
    """Paths where a GET wants something done, and so needs to be admitted as every POST is. Such an endpoint reads the
    body, which is empty, before it begins: with its end comes the place."""

"""The contract of remove.bg: `POST /v1.0/removebg` and what belongs to it. What its parameters mean is in
`docs/doors.md`."""

from service.doors.door import Door
from service.doors.removebg.endpoints import router
from service.doors.removebg.limits import limits
from service.doors.removebg.refusal import worded

REMOVEBG = Door(
    name="removebg",
    help="remove.bg's API",
    router=router,
    prefixes=frozenset({"/v1.0/removebg", "/v1.0/account", "/v1.0/improve"}),
    refusal=worded,
    limits=limits,
)

"""What a service that tests make up says to our client for Python."""

import json

from tests.our_clients.conftest import Said
from tests.pictures import encoded, painted

PICTURE = encoded(painted())

OK: Said = (200, {"Content-Type": "image/png"}, PICTURE)


def busy(**headers: str) -> Said:
    problem = {"code": "queue_full", "detail": "full", "request_id": "some-id"}
    return 503, {"Content-Type": "application/problem+json", **headers}, json.dumps(problem).encode()


MINE: Said = (200, {"Content-Type": "application/json"}, b'{"name": "mine"}')

GONE: Said = (204, {}, b"")

CHANGES = ["POST /models/mine", "PUT /models/mine/default", "DELETE /models/mi%2Fne"]

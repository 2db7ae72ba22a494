"""What FastAPI does for a request before our own code sees it."""

from inspect import iscoroutinefunction

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from service.api import batches, jobs, model_changes, routes, videos
from service.api.operations import operation_routes
from service.doors import DOORS

ROUTERS = {
    "operations": operation_routes(),
    "batches": batches.router,
    "jobs": jobs.router,
    "model_changes": model_changes.router,
    "routes": routes.router,
    "probes": routes.probes,
    "videos": videos.router,
    **{door.name: door.router for door in DOORS.values()},
}


@pytest.mark.parametrize("router", ROUTERS.values(), ids=ROUTERS)
def test_no_request_waits_for_a_thread_to_learn_what_it_depends_on(router: APIRouter) -> None:
    api_routes = [route for route in router.routes if isinstance(route, APIRoute)]
    needed = {each.call for route in api_routes for each in route.dependant.dependencies}
    assert api_routes
    assert all(map(iscoroutinefunction, needed)), needed

"""Workers that are worn out are replaced, and nobody notices."""

from tests.system.loading import Answer, Call, at_once, metric, people, ready_workers, stop, until
from tests.system.serving import Server, running_server
from tests.weights import pulled_weights

REQUESTS = 120


def test_a_worker_that_ran_its_batches_is_replaced_once_its_successor_is_ready(astronaut: bytes) -> None:
    pulled_weights("selfie")
    photos = people(astronaut, 4)
    with running_server("selfie", SILHOUETTE_WORKERS="2", SILHOUETTE_MAX_BATCHES_PER_WORKER="10") as server:

        def ask(number: int) -> Answer:
            return Call(server, "/segment", photos[number % len(photos)]).answer()

        answers = at_once(ask, REQUESTS, 4)
        assert [answer.code for answer in answers] == ["ok"] * REQUESTS
        until(lambda: metric(server, "silhouette_worker_restarts_total", cause="recycled") >= 2, "two recycled workers")
        assert metric(server, "silhouette_worker_restarts_total") == metric(
            server, "silhouette_worker_restarts_total", cause="recycled"
        )
        assert metric(server, "silhouette_requeued_total") == 0
        until(lambda: len(ready_workers(server)) == 2, "two workers")
        assert fewest_workers(server) == 2


def fewest_workers(server: Server) -> int:
    """Since both were ready."""
    changes = {"worker ready": 1, "worker replaced": -1}
    alive, counts = 0, []
    for entry in server.log:
        alive += changes.get(entry["event"], 0)
        counts.append(alive)
    return min(counts[counts.index(2) :])


def test_a_worker_above_its_memory_is_replaced(astronaut: bytes) -> None:
    pulled_weights("selfie")
    with running_server("selfie", SILHOUETTE_WORKERS="1", SILHOUETTE_MAX_WORKER_RSS_MB="1") as server:
        assert Call(server, "/segment", astronaut).answer().code == "ok"
        server.wait_for("worker replaced")
        assert Call(server, "/segment", astronaut).answer().code == "ok"
        assert {entry["cause"] for entry in server.log if entry["event"] == "worker replaced"} == {"recycled"}
        assert stop(server) == 0

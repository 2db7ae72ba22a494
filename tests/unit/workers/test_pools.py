"""Which pool there is, and what the default one has nothing to do with."""

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from service.configuration_errors import ConfigurationError
from service.queue.batcher import Batcher
from service.queue.schedule import BatchPolicy
from service.settings import Settings, read_settings
from service.telemetry.metrics import Metrics
from service.workers.plan import WorkerPlan, plan_workers
from service.workers.pool import pool_of
from service.workers.ray.cluster import Cluster, fingerprint
from service.workers.ray.feeding import ABSENCE_S, Watched
from service.workers.ray.weights import on_this_node

SERVE_LOCALLY = """
import sys
from service.app import create_app
from service.settings import read_settings
from service.workers.local.pool import LocalPool
app = create_app(read_settings(pool="local", model_store={store!r}, models=("tiny-subject",), device="cpu", workers=1))
assert isinstance(app.state.service.engine.pool, LocalPool)
assert "ray" not in sys.modules
assert "opentelemetry.sdk" not in sys.modules
"""


def test_the_default_pool_is_local_and_nothing_of_ray_or_opentelemetry_is_imported(plan: WorkerPlan) -> None:
    assert Settings.model_fields["pool"].default == "local"
    store = plan.models[0].weights.parents[1]
    subprocess.run([sys.executable, "-c", SERVE_LOCALLY.format(store=str(store))], check=True)


def test_there_is_one_plan_for_each_replica_that_there_may_be(plan: WorkerPlan) -> None:
    settings = read_settings(pool="ray", device="cpu", ray_min_replicas=2, ray_max_replicas=5, threads_per_worker=3)
    plans = plan_workers(settings, plan.models)
    assert [(each.device, each.threads) for each in plans] == [("cpu", 3)] * 5


def test_a_gpu_of_the_cluster_need_not_be_in_this_machine(plan: WorkerPlan) -> None:
    plans = plan_workers(read_settings(pool="ray", device="cuda"), plan.models)
    assert {(each.device, each.max_batch_size) for each in plans} == {("cuda:0", 8)}
    assert {model.card.precision for model in plans[0].models} == {"fp16"}


@pytest.mark.parametrize("name", ["max_batches_per_worker", "max_worker_rss_mb"])
def test_what_is_for_local_workers_alone_is_refused_with_ray(name: str, plan: WorkerPlan) -> None:
    settings = read_settings(pool="ray", **{name: 5})
    with pytest.raises(ConfigurationError, match=f"SILHOUETTE_{name.upper()}|extra `ray`"):
        pool_of(settings, [plan], Batcher(BatchPolicy(2, None, 0), 1, Metrics()), Metrics())


def test_replicas_are_as_good_as_new_ones_where_they_would_be_the_same(plan: WorkerPlan) -> None:
    cluster = Cluster.of(read_settings(pool="ray"))
    elsewhere = [replace(model, weights=model.weights / "moved") for model in plan.models]
    assert fingerprint(replace(plan, models=elsewhere), cluster) == fingerprint(plan, cluster)
    assert fingerprint(replace(plan, models=plan.models[:1]), cluster) != fingerprint(plan, cluster)
    assert fingerprint(replace(plan, threads=7), cluster) != fingerprint(plan, cluster)
    assert fingerprint(plan, replace(cluster, max_replicas=9)) != fingerprint(plan, cluster)


def test_weights_are_found_by_their_hash_in_the_store_of_the_node(
    plan: WorkerPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = plan.models[0].weights.parents[1]
    elsewhere = replace(plan, models=[replace(model, weights=tmp_path / "not-here") for model in plan.models])
    monkeypatch.setenv("SILHOUETTE_MODEL_STORE", str(store))
    assert on_this_node(elsewhere, None).models == plan.models
    assert on_this_node(plan, None).models == plan.models


def test_a_node_that_has_no_weights_and_cannot_get_them_says_of_which_model(
    plan: WorkerPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = plan.models[0]
    nowhere = model.card.download.model_copy(update={"sources": []})
    card = model.card.model_copy(update={"download": nowhere})
    monkeypatch.setenv("SILHOUETTE_MODEL_STORE", str(tmp_path))
    with pytest.raises(ConfigurationError, match=f"this node has no weights of '{card.name}'"):
        on_this_node(replace(plan, models=[replace(model, card=card, weights=tmp_path / "not-here")]), str(tmp_path))


def test_a_cluster_that_is_silent_or_empty_for_long_is_a_trouble_also_when_the_bridge_is_gone() -> None:
    now = time.monotonic()
    long_ago = now - 2 * ABSENCE_S
    assert Watched().trouble is None
    assert Watched(seen_at=now, running_at=now).trouble is None
    silent, empty = (Watched(seen_at=seen_at, running_at=long_ago).trouble for seen_at in (long_ago, now))
    assert silent is not None
    assert "Ray has not answered" in silent
    assert empty is not None
    assert "no replica has been running" in empty

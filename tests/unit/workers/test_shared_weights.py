"""Which workers read the same weights."""

from dataclasses import replace
from datetime import date

import pytest

from service.kernels import steps
from service.models.store import Checkpoint
from service.models.store.int8_ranges import Int8Ranges
from service.workers.local.pool import Weights
from service.workers.plan import WorkerPlan

pytestmark = pytest.mark.skipif(not steps.can_run(), reason="compiled for AVX2 without instructions for eight bits")


def in_eight_bits(plan: WorkerPlan, highest: float) -> Checkpoint:
    """The first model, with a range up to this."""
    model = plan.models[0]
    card = model.card.model_copy(update={"precision": "int8"})
    sha256, spans = card.converted.sha256, {"layer": (0.0, highest)}
    ranges = Int8Ranges(weights_sha256=sha256, made=date(2026, 1, 1), pictures=1, provenance="none", spans=spans)
    return replace(model, card=card, int8_ranges=ranges)


def test_the_same_model_has_the_same_weights_in_every_worker_and_is_the_same_in_its_plan(plan: WorkerPlan) -> None:
    weights = Weights()
    first, second = (weights.sharing(in_eight_bits(plan, 1.0)) for _ in range(2))
    assert first.shared_weights is second.shared_weights is not None
    assert first == second == in_eight_bits(plan, 1.0)


def test_with_other_ranges_it_has_others(plan: WorkerPlan) -> None:
    weights = Weights()
    first, second = (weights.sharing(in_eight_bits(plan, highest)) for highest in (1.0, 2.0))
    assert first.shared_weights is not second.shared_weights


def test_a_model_in_floating_point_shares_its_file_and_nothing_else(plan: WorkerPlan) -> None:
    assert Weights().sharing(plan.models[0]).shared_weights is None


def test_weights_go_with_the_last_worker_that_has_them(plan: WorkerPlan) -> None:
    weights = Weights()
    model = weights.sharing(in_eight_bits(plan, 1.0))
    assert len(weights) == 1
    del model
    assert len(weights) == 0

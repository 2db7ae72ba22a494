"""An amount that all share: it never overflows, and nobody leaves too little for the others."""

from hypothesis import given
from hypothesis import strategies as st

from service.queue.budget import Budget


def budget(total: int = 200, largest: int = 50, share: float = 0.5) -> Budget:
    return Budget(total, largest, share)


def test_what_does_not_fit_beside_others_does_not_fit() -> None:
    here = budget(share=1)
    here.take(150, "a")
    assert here.fits(50, "a")
    assert not here.fits(51, "b")


def test_a_lone_request_fits_always() -> None:
    assert budget().fits(1000, "a")


def test_whoever_has_more_than_its_share_leaves_room_for_one_more_request_of_somebody_else() -> None:
    here = budget()
    for _ in range(3):
        assert here.fits(49, "greedy")
        here.take(49, "greedy")
    assert here.exceeds_share(0, "greedy")
    assert not here.fits(49, "greedy")
    assert here.fits(50, "other")


def test_with_a_share_of_everything_one_peer_may_take_everything() -> None:
    here = budget(share=1)
    here.take(150, "a")
    assert here.fits(50, "a")
    assert not here.exceeds_share(0, "a")


@given(st.lists(st.tuples(st.integers(1, 50), st.sampled_from("abc"), st.booleans())))
def test_it_never_holds_more_than_the_total_and_gives_everything_back(steps: list[tuple[int, str, bool]]) -> None:
    here, held = budget(), list[tuple[int, str]]()
    for count, peer, leaves in steps:
        if leaves and held:
            here.give_back(*held.pop())
        elif here.fits(count, peer):
            here.take(count, peer)
            held.append((count, peer))
        assert here.used == sum(count for count, _ in held) <= 200
    for count, peer in held:
        here.give_back(count, peer)
    assert here.used == 0
    assert not here.exceeds_share(0, "a")

"""A bounded number of senders, of whom the slow ones make room."""

import time

import pytest

from service.errors import TooManyUploads
from service.queue.senders import Sender, Senders


class Senderbook:
    """Senders of whom a test knows who was dropped."""

    def __init__(self, places: int = 4, share: float = 1.0) -> None:
        self.senders = Senders(places, min_bytes_per_s=100, share=share)
        self.dropped: list[str] = []

    def begin(self, name: str, peer: str = "a", age_s: float = 0.0, bytes_per_s: float = 0.0) -> Sender:
        began_s, received = time.monotonic() - age_s, int(age_s * bytes_per_s)
        sender = Sender(peer, lambda: self.dropped.append(name), began_s, received)
        self.senders.begin(sender)
        return sender


def test_as_many_as_there_are_places_and_one_that_ends_makes_room() -> None:
    book = Senderbook(places=2)
    first = book.begin("first")
    book.begin("second")
    with pytest.raises(TooManyUploads):
        book.begin("third")
    book.senders.end(first)
    book.begin("third")
    assert (len(book.senders), book.dropped) == (2, [])


def test_the_slowest_makes_room_for_a_newcomer() -> None:
    book = Senderbook(places=3)
    book.begin("slow", age_s=10, bytes_per_s=50)
    book.begin("silent", age_s=10)
    book.begin("fast", age_s=10, bytes_per_s=1000)
    book.begin("newcomer")
    assert book.dropped == ["silent"]


def test_nobody_is_slow_in_the_first_moment_and_nobody_who_keeps_the_pace() -> None:
    book = Senderbook(places=2)
    book.begin("fresh", age_s=0.1)
    book.begin("steady", age_s=100, bytes_per_s=101)
    with pytest.raises(TooManyUploads):
        book.begin("newcomer")
    assert book.dropped == []


def test_one_peer_has_no_more_than_its_share_and_only_its_own_make_room_for_it() -> None:
    book = Senderbook(places=4, share=0.5)
    book.begin("slow of another", peer="b", age_s=10)
    for _ in range(2):
        book.begin("own", age_s=10, bytes_per_s=1000)
    with pytest.raises(TooManyUploads, match="your address"):
        book.begin("one too many")
    book.begin("of another", peer="b")
    assert book.dropped == []


def test_where_bytes_are_short_a_slow_one_makes_room_or_one_whose_peer_has_too_much() -> None:
    book = Senderbook()
    newcomer = book.begin("newcomer", peer="b")
    book.begin("greedy", age_s=10, bytes_per_s=1000)
    assert not book.senders.drop_slowest(newcomer, lambda peer: False)
    assert not book.senders.drop_slowest(newcomer, lambda peer: True), "who has too much itself drops nobody"
    assert book.senders.drop_slowest(newcomer, lambda peer: peer == "a")
    assert book.dropped == ["greedy"]
    assert len(book.senders) == 1

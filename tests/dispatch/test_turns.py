from __future__ import annotations

from converter.dispatch.turns import Turns


def take_all(turns: Turns[int]) -> list[int]:
    taken = []
    while found := turns.take():
        taken.append(found[1])
    return taken


def test_each_user_has_a_turn_before_anybody_has_a_second() -> None:
    turns = Turns[int](100)
    for turn, items in {"a": [1, 2, 3], "b": [4], "c": [5, 6]}.items():
        for item in items:
            turns.add(turn, item)
    assert take_all(turns) == [1, 4, 5, 2, 6, 3]


def test_a_queued_task_is_not_queued_twice() -> None:
    turns = Turns[int](100)
    for item in (1, 1, 2):
        turns.add("a", item)
    assert take_all(turns) == [1, 2]
    turns.add("a", 1)
    assert take_all(turns) == [1]


def test_one_receiver_has_no_more_than_its_places() -> None:
    turns = Turns[int](10, each=2)
    for item in range(5):
        turns.add("slow", item)
    turns.add("quick", 9)
    assert take_all(turns) == [0, 9, 1]
    turns.done("slow")
    assert take_all(turns) == [2]


def test_a_spare_place_is_for_one_who_has_none() -> None:
    turns = Turns[int](2, spare=1)
    for item in range(4):
        turns.add("much", item)
    assert take_all(turns) == [0, 1]
    turns.add("little", 9)
    assert take_all(turns) == [9]
    turns.done("little")
    assert take_all(turns) == []
    turns.done("much")
    assert take_all(turns) == [2]

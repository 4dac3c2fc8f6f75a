from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshdoctor.serve.object_store import Change, ObjectStore, TooOldError

KEY = ("", "configmaps")
OTHER = ("", "secrets")


def item(name: str, **data: Any) -> dict[str, Any]:
    return {"metadata": {"namespace": "a", "name": name}, "data": data}


def names(found: Any) -> list[str]:
    return [one["metadata"]["name"] for one in found]


def test_every_write_has_a_version_of_its_own_and_reads_keep_their_objects() -> None:
    store = ObjectStore(5)
    first = store.put(KEY, item("x", a="1"))
    second = store.put(KEY, item("x", a="2"))
    assert [one["metadata"]["resourceVersion"] for one in (first, second)] == ["6", "7"]
    assert first["data"] == {"a": "1"}
    assert store.get(KEY, "a", "x") == second


def test_what_was_filled_in_keeps_its_version_and_is_no_news() -> None:
    store = ObjectStore(5)
    told: list[Change] = []
    store.subscribe(told.append)
    store.fill(KEY, [item("x")])
    assert store.since(5, KEY) == []
    assert told == []
    assert store.version == 5


def test_history_is_kept_for_a_while_only() -> None:
    store = ObjectStore(0, history=3)
    for number in range(5):
        store.put(KEY, item(f"x{number}"))
    assert names(change.object for change in store.since(store.version - 3, KEY)) == [
        "x2",
        "x3",
        "x4",
    ]
    with pytest.raises(TooOldError):
        store.since(store.version - 4, KEY)
    with pytest.raises(TooOldError):
        store.all_at(KEY, 1)


WRITES = st.lists(
    st.tuples(st.sampled_from(["put", "remove"]), st.sampled_from("abc"), st.integers(0, 9)),
    max_size=30,
)


@given(WRITES)
def test_any_past_state_can_be_seen_again(writes: list[tuple[str, str, int]]) -> None:
    store = ObjectStore(1)
    store.fill(KEY, [item("a", n=-1)])
    states = {1: store.all(KEY)}
    for verb, name, number in writes:
        if verb == "put":
            store.put(KEY, item(name, n=number))
        else:
            store.remove(KEY, "a", name)
        store.put(OTHER, item("noise"))
        states[store.version] = store.all(KEY)
    for version, state in states.items():
        assert store.all_at(KEY, version) == state


@given(WRITES)
def test_who_follows_the_changes_knows_the_state(writes: list[tuple[str, str, int]]) -> None:
    store = ObjectStore(1)
    seen: dict[str, Any] = {}

    def follow(change: Change) -> None:
        name = change.object["metadata"]["name"]
        assert change.previous == seen.get(name)
        if change.type == "DELETED":
            del seen[name]
        else:
            assert (change.type == "ADDED") is (name not in seen)
            seen[name] = change.object

    store.subscribe(follow)
    for verb, name, number in writes:
        if verb == "put":
            store.put(KEY, item(name, n=number))
        else:
            store.remove(KEY, "a", name)
    assert store.all(KEY) == [seen[name] for name in sorted(seen)]

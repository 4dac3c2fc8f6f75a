"""Objects may be garbled anywhere: the checks then say what they can, and never break."""

from __future__ import annotations

import copy
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from meshdoctor.check.registry import CATEGORIES
from meshdoctor.check.run import check
from tests.build import istio_object
from tests.unit.check.whole_mesh import crd, daemon_set, injection, snapshot, whole

if TYPE_CHECKING:
    from collections.abc import Iterator

OBJECTS = whole() | {
    "tag": injection(tag="prod"),
    "ztunnel": daemon_set("ztunnel", ("app", "ztunnel")),
    "class": istio_object("GatewayClass", "istio", "", controllerName="istio.io/mesh-controller"),
    "waypoint": istio_object(
        "Gateway", "waypoint", group="gateway.networking.k8s.io", gatewayClassName="istio"
    ),
    "crd routes": crd("grpcroutes.gateway.networking.k8s.io", [("v1", True, True)]),
}
JUNK: st.SearchStrategy[Any] = st.sampled_from(
    [None, 0, -1, 10**30, True, "", "x", "9.9.9.9", [], {}, [None], [[]], {"x": 1}, [{"type": 7}]]
)
_IDENTITY = {"apiVersion", "kind", "name", "namespace"}


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place of an object that a person or a broken tool could have garbled."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in pairs:
        if not (len(path) < 2 and key in _IDENTITY) and (*path, key) != ("metadata",):
            yield (*path, key)
        if isinstance(item, dict | list):
            yield from places(item, (*path, key))


PLACES = [(name, path) for name, item in OBJECTS.items() for path in places(item)]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PLACES), JUNK), min_size=1, max_size=3))
def test_a_garbled_object_never_breaks_the_run(
    changes: list[tuple[tuple[str, tuple[str | int, ...]], Any]],
) -> None:
    objects = copy.deepcopy(OBJECTS)
    for (name, path), junk in changes:
        # A change before may have taken the place away.
        with suppress(KeyError, IndexError, TypeError):
            inner: Any = objects[name]
            for step in path[:-1]:
                inner = inner[step]
            inner[path[-1]] = junk
    found = check(snapshot(objects))
    assert [item.id for item in found.checks] == [
        checker.id for category in CATEGORIES for checker in category.checkers
    ]

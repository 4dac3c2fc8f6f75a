"""Plays bundled recordings without a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from meshdoctor.drill.drill import Role
from meshdoctor.drill.edits import parse_edits
from meshdoctor.drill.library import drills
from meshdoctor.drill.objects import PODS, annotations_of, labels_of, spec_of, status_of
from meshdoctor.drill.world import World
from meshdoctor.resources import recordings_root
from meshdoctor.serve.object_store import name_of
from tests.captures.sharing import is_thorough

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.drill.drill import Drill, Fix

_ORDER = (Role.WRONG, Role.ALTERNATIVE, Role.REFERENCE)
RATINGS = "Deployment shop/ratings-v1"


def play(recording: str, edits: str = "") -> World:
    """A bundled recording after edits, which are written as a drill has them."""
    world = World.from_recording(recordings_root() / f"{recording}.tar.gz")
    edit(world, edits)
    return world


def shared_fixes(drill: Drill, *, first: bool) -> tuple[Fix, ...]:
    """A wrong fix or an alternative, and the reference; all when asked to be thorough.

    In memory every fix is played anyway (test_drills.py). What one of two ways to play leaves out
    of a drill the other one plays.

    Args:
        drill: whose.
        first: the wrong one of drills of even place, the alternative of the others; else contrary.
    """
    if is_thorough():
        return tuple(sorted(drill.fixes, key=lambda fix: _ORDER.index(fix.role)))
    is_even = drills().index(drill) % 2 == 0
    role = Role.WRONG if first is is_even else Role.ALTERNATIVE
    return drill.fixes_of(role)[0], drill.reference


def edit(world: World, edits: str) -> None:
    """Make edits, which are written as a drill has them."""
    for one in parse_edits(yaml.safe_load(edits) if edits else []):
        one.apply(world.cluster)


def pods(world: World, app: str, namespace: str = "shop") -> list[Mapping[str, Any]]:
    """The pods with this label ``app``."""
    return [one for one in world.objects.all(PODS, namespace) if labels_of(one).get("app") == app]


def ready(pod: Mapping[str, Any]) -> str:
    """What ``kubectl get pods`` shows: ready containers of all that stay."""
    status, spec = status_of(pod), spec_of(pod)
    native = {
        one["name"]
        for one in spec.get("initContainers", [])
        if one.get("restartPolicy") == "Always"
    }
    counted = [
        one
        for one in (*status.get("initContainerStatuses", []), *status.get("containerStatuses", []))
        if one["name"] in native or one["name"] in {c["name"] for c in spec["containers"]}
    ]
    return f"{sum(one['ready'] for one in counted)}/{len(counted)}"


def proxy(pod: Mapping[str, Any]) -> Mapping[str, Any]:
    """A pod's sidecar."""
    every = (*spec_of(pod).get("initContainers", []), *spec_of(pod)["containers"])
    found: Mapping[str, Any] = next(one for one in every if one["name"] == "istio-proxy")
    return found


def names(found: list[Mapping[str, Any]]) -> list[str]:
    """Their names."""
    return [name_of(one)[1] for one in found]


__all__ = ["RATINGS", "annotations_of", "edit", "names", "play", "pods", "proxy", "ready"]

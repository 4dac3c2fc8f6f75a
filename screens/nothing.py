"""Sentences for what is not there: not collected is never shown as none."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshdoctor.model.diagnosis import Diagnosis
    from meshdoctor.model.not_read import NotRead
    from meshdoctor.model.snapshot import Snapshot
    from screens.state import MeshState

_MOST_CAUSES = 6


def _concerns(item: NotRead, path: str) -> bool:
    """Whether something that was not read is this path, a part of it, or a folder around it."""
    what = item.what.removesuffix(".json")
    wanted = path.removesuffix(".json")
    if what.startswith("kubernetes/") and what.count("/") == 3:
        # Inputs are named without the API version, files with it.
        room, group, _, plural = what.split("/")
        what = f"{room}/{group}/{plural}"
    return what == wanted or what.startswith(wanted + "/") or wanted.startswith(what + "/")


def reasons(snapshot: Snapshot, paths: Iterable[str]) -> str:
    """Why these were not read, in the reader's own words; empty when nothing says so."""
    wanted = tuple(paths)
    missing = [item for item in snapshot.not_read if any(_concerns(item, path) for path in wanted)]
    return "; ".join(f"{item.what} {item.status} ({item.reason})" for item in missing)


def unknown_for_want_of(diagnosis: Diagnosis, inputs: Iterable[str]) -> str:
    """The causes that can be neither found nor ruled out without these inputs; empty for none."""
    wanted = frozenset(inputs)
    causes = [item.id for item in diagnosis.unknown if wanted.intersection(item.needs)]
    more = f" and {len(causes) - _MOST_CAUSES} more" if len(causes) > _MOST_CAUSES else ""
    return ", ".join(causes[:_MOST_CAUSES]) + more


def not_collected(
    snapshot: Snapshot, diagnosis: Diagnosis, what: str, paths: Iterable[str], inputs: Iterable[str]
) -> str:
    """The sentence for something that was not read: what, why, and what it leaves unknown.

    Args:
        snapshot: the snapshot.
        diagnosis: the diagnosis made of it.
        what: what a person wanted to see.
        paths: where it would stand in the recording.
        inputs: the names under which causes ask for it.
    """
    absent = "it was not there" if snapshot.about.source == "live" else "not in the recording"
    why = reasons(snapshot, paths) or absent
    line = f"? Not collected: {what}: {why}."
    unknown = unknown_for_want_of(diagnosis, inputs)
    return f"{line}\nUnknown for want of it: {unknown}." if unknown else line


def cannot_be_read(reason: str, state: MeshState) -> str:
    """Why nothing is shown; for a cluster, what to do about it too."""
    if not state.is_live:
        return reason
    ask = f"kubectl --context {state.name} version"
    return f"{reason}\nr tries again. Whether the cluster answers at all: {ask}"

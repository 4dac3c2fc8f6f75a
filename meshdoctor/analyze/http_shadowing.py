"""HTTP rules that no request reaches, because an earlier rule of the same VirtualService takes all.

Envoy takes the first route that matches, so the order within ``http`` decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import MESH_SUBJECT, destination_subject, holds
from meshdoctor.analyze.http_rules import HttpRule, http_rules
from meshdoctor.analyze.json_patches import json_patch
from meshdoctor.model.evidence import join_pointer
from meshdoctor.model.finding import Affected, Finding, Outcome, Severity
from meshdoctor.model.kinds import POD, VIRTUAL_SERVICE
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from meshdoctor.model.snapshot import Snapshot

SHADOWED = "MD0732"

_NAMES = ("name",)
"""What a match says of itself rather than of requests."""
_EVERY_PATH = ("*", ".*", "/.*")
"""Regexes that every path matches; istiod takes the first two for catch-alls."""


def _is_every_path(uri: Mapping[str, object]) -> bool:
    return uri.get("prefix") == "/" or uri.get("regex") in _EVERY_PATH


def _uri_covers(wide: Mapping[str, object], narrow: Mapping[str, object]) -> bool:
    """Whether every path that one uri match takes is taken by another too."""
    if wide == narrow:
        return True
    prefix = wide.get("prefix")
    if not isinstance(prefix, str):
        return False
    inner = narrow.get("prefix", narrow.get("exact"))
    if isinstance(inner, str):
        return inner.startswith(prefix)
    return prefix == "/"


def _covers_one(wide: Mapping[str, object], narrow: Mapping[str, object]) -> bool:
    for key, wanted in wide.items():
        if key in _NAMES or wanted in ({}, [], None):
            continue
        if key == "uri":
            root = _is_every_path(as_mapping(wanted))
            if not root and "uri" not in narrow:
                return False
            if not root and not _uri_covers(as_mapping(wanted), as_mapping(narrow.get("uri"))):
                return False
            continue
        if key == "ignoreUriCase" and wanted is True:
            continue
        if narrow.get(key) != wanted:
            return False
    # A path that is matched whatever its case is wider than one that is not.
    return not narrow.get("ignoreUriCase") or bool(wide.get("ignoreUriCase")) or not wide


def covers(earlier: Mapping[str, object], later: Mapping[str, object]) -> bool:
    """Whether every request for a later rule is taken by an earlier one."""
    wide = [as_mapping(item) for item in as_list(earlier.get("match"))]
    narrow = [as_mapping(item) for item in as_list(later.get("match"))]
    if not wide:
        return True
    return all(any(_covers_one(w, n) for w in wide) for n in narrow or [{}])


def _without_match(rule: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in rule.items() if key not in ("match", "name")}


def _match_text(rule: Mapping[str, object]) -> str:
    found = []
    for item in as_list(rule.get("match")):
        uri = as_mapping(as_mapping(item).get("uri"))
        found.append(next((f"{kind} {value}" for kind, value in uri.items()), "other fields"))
    return " or ".join(found) or "every request"


def _to_front(rule: HttpRule, before: HttpRule) -> tuple[str, str]:
    """The command that moves a rule before another one, and its undo."""
    item = rule.virtual_service
    there = join_pointer("", list(rule.path))
    here = join_pointer("", list(before.path))
    return (
        json_patch(item, [{"op": "move", "from": there, "path": here}]),
        json_patch(item, [{"op": "move", "from": here, "path": there}]),
    )


def _finding(earlier: HttpRule, later: HttpRule) -> Finding:
    item = later.virtual_service
    harmless = _without_match(earlier.value) == _without_match(later.value)
    root = later.is_held and not harmless
    host = later.binding.hosts[0] if later.binding.hosts else ""
    text = (
        f"Rule {earlier.index} of {item} takes {_match_text(earlier.value)}, so rule {later.index} "
        f"({_match_text(later.value)}) is never reached"
    )
    move, back = _to_front(later, earlier)
    first = item.evidence(*earlier.path, "match" if earlier.value.get("match") else "route")
    second = item.evidence(*later.path, "match" if later.value.get("match") else "route")
    return Finding(
        code=SHADOWED,
        subject=destination_subject(host, None),
        outcome=Outcome.FAIL if root else Outcome.WARN,
        message=text,
        resource=str(item),
        objects=(str(item),),
        facts=(holds("earlier-rule-takes-all", text, first, second),),
        affected=(Affected("", host),),
        severity=None if root else Severity.INFO,
        root=root,
        fills={
            "earlier": str(earlier.index),
            "later": str(later.index),
            "taken": _match_text(earlier.value),
            "match": _match_text(later.value),
            "host": host,
            "move": move,
            "move_back": back,
        },
    )


def _judge(mesh: Snapshot) -> Iterator[Finding]:
    earlier: dict[object, list[HttpRule]] = {}
    for rule in http_rules(mesh):
        before = earlier.setdefault(rule.virtual_service, [])
        cover = next((one for one in before if covers(one.value, rule.value)), None)
        if cover is not None:
            yield _finding(cover, rule)
        before.append(rule)


@dataclass(frozen=True, slots=True)
class _Shadowing:
    name: str = "http-shadowing"
    description: str = "Every HTTP rule of a VirtualService can be reached."
    inputs: tuple[str, ...] = (VIRTUAL_SERVICE.input, POD.input)
    codes: tuple[str, ...] = (SHADOWED,)

    def analyze(self, mesh: Snapshot) -> Iterable[Finding]:
        """Judge the rules of each VirtualService in their order."""
        needs = mesh.catalog.unread(VIRTUAL_SERVICE, POD)
        if needs:
            text = "Whether rules of VirtualServices hide each other cannot be told"
            yield Finding(SHADOWED, MESH_SUBJECT, Outcome.UNKNOWN, text, "mesh", needs=needs)
            return
        yield from _judge(mesh)


ANALYZER = _Shadowing()

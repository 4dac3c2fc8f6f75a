"""Conditions on the state of a played mesh: for checks of objects, and for guards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from meshdoctor.drill.objects import PODS, controller_of, labels_of, spec_of, status_of, uid_of
from meshdoctor.drill.pods import (
    application_waits,
    as_pod,
    containers_of,
    is_live,
    is_ready,
)
from meshdoctor.drill.targets import Target, parse_target
from meshdoctor.intent.revisions import got_revision
from meshdoctor.model.kinds import JOB, REPLICA_SET, SECRET
from meshdoctor.model.pod import PROXY_CONTAINER, has_proxy
from meshdoctor.model.quantity import quantity
from meshdoctor.model.resource import as_list, as_mapping, object_text
from meshdoctor.serve.object_store import name_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.drill.objects import Objects
    from meshdoctor.serve.object_store import Object

_ABSENT = object()
_LONGEST = 200
"""Characters of a value in a sentence."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a condition holds, and the fact that decides it."""

    holds: bool
    because: str


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition; the kind says which of the settings count."""

    kind: str
    """field, exists, deleted, unchanged, pods or restarted."""
    target: Target
    settings: Mapping[str, Any]

    def holds(self, recorded: Objects, objects: Objects) -> Verdict:
        """Decide.

        Args:
            recorded: as the drill began.
            objects: as they stand.
        """
        match self.kind:
            case "field":
                return self._field(recorded, objects)
            case "exists":
                found = self.target.find(objects) is not None
                return Verdict(found, f"{self.target} is {'' if found else 'not '}there")
            case "deleted":
                return self._deleted(recorded, objects)
            case "unchanged":
                return self._unchanged(recorded, objects)
            case "pods":
                return self._pods(objects)
        return self._restarted(recorded, objects)

    def _field(self, recorded: Objects, objects: Objects) -> Verdict:
        """Some object that the pattern covers has a value at a path; a guard may ask of all."""
        path = as_list(self.settings["path"])
        found = list(self.target.matching(objects))
        if not found:
            return Verdict(self.settings.get("absent", False), f"{self.target} is not there")
        said = ""
        for item in found:
            value = _at(item, path)
            where = f"{_text(self.target, item)} {'.'.join(map(str, path))}"
            said = f"{where} is {self._shown(value)}"
            if self._fits(value, _at(self._as_was(recorded, item), path)):
                return Verdict(True, said)
        return Verdict(False, said)

    def _shown(self, value: object) -> str:
        """A value in a sentence: short, and never one of a Secret."""
        if value is _ABSENT:
            return "absent"
        if self.target.kind is SECRET:
            return "set"
        text = str(value)
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"

    def _as_was(self, recorded: Objects, item: Object) -> Object:
        return recorded.get(self.target.key, *name_of(item)) or {}

    def _fits(self, value: object, before: object) -> bool:
        given = self.settings
        if "equals" in given:
            return bool(value == given["equals"])
        if "one_of" in given:
            return value in as_list(given["one_of"])
        if "not" in given:
            return value is not _ABSENT and value != given["not"]
        if "matches" in given:
            return any(_has(value, one) for one in as_list(given["matches"]))
        if "contains" in given:
            return any(_contains(value, one) for one in _each(given["contains"]))
        if "mentions" in given:
            return value is not _ABSENT and str(given["mentions"]) in str(value)
        if "includes" in given:
            return any(_has(one, given["includes"]) for one in as_list(value))
        if given.get("changed"):
            return value != before
        return (value is _ABSENT) == bool(given.get("absent", False))

    def _deleted(self, recorded: Objects, objects: Objects) -> Verdict:
        gone = [
            _text(self.target, item)
            for item in self.target.matching(recorded)
            if objects.get(self.target.key, *name_of(item)) is None
        ]
        return Verdict(bool(gone), f"{', '.join(gone)} was deleted" if gone else "nothing is gone")

    def _unchanged(self, recorded: Objects, objects: Objects) -> Verdict:
        """Everything that the pattern covers is as it was, but for what is named."""
        left_out = {str(parse_target(text)) for text in as_list(self.settings.get("except"))}
        part = self.settings.get("path", ["spec"])
        differs = []
        for item in {
            name_of(one): one
            for one in (*self.target.matching(recorded), *self.target.matching(objects))
        }.values():
            text = _text(self.target, item)
            before = recorded.get(self.target.key, *name_of(item))
            after = objects.get(self.target.key, *name_of(item))
            if text not in left_out and _at(before or {}, part) != _at(after or {}, part):
                differs.append(text)
        if differs:
            return Verdict(False, f"{', '.join(differs)} was changed")
        return Verdict(True, f"every other {self.target.kind.name} is as it was")

    def _pods(self, objects: Objects) -> Verdict:
        """Every pod of a workload is as it should be, and there is one."""
        pods = workload_pods(objects, self.target)
        if not pods:
            return Verdict(False, f"{self.target} has no pod")
        for pod in pods:
            why = _pod_lacks(pod, self.settings)
            if why:
                return Verdict(False, f"Pod {'/'.join(name_of(pod))} {why}")
        return Verdict(True, f"{len(pods)} pods of {self.target} are as wanted")

    def _restarted(self, recorded: Objects, objects: Objects) -> Verdict:
        """Some workload that nobody needed to restart has other pods than it had."""
        allowed = {str(parse_target(text)) for text in as_list(self.settings.get("except"))}
        found = []
        for item in self.target.matching(recorded):
            text = _text(self.target, item)
            one = Target(self.target.kind, *name_of(item))
            before = {uid_of(pod) for pod in workload_pods(recorded, one)}
            after = {uid_of(pod) for pod in workload_pods(objects, one)}
            if before and after and not before & after and text not in allowed:
                found.append(text)
        said = f"{', '.join(found)} was restarted" if found else "nothing else was restarted"
        return Verdict(bool(found), said)


def _has(value: object, wanted: Mapping[str, Any]) -> bool:
    """Whether a mapping has at least these fields, with these values."""
    found = as_mapping(value)
    return all(key in found and found[key] == one for key, one in wanted.items())


def _each(wanted: object) -> list[Any]:
    """Several that will do, or the one."""
    return wanted if isinstance(wanted, list) else [wanted]


def _contains(value: object, wanted: object) -> bool:
    """Whether a mapping has at least these fields, and so on inwards."""
    if not isinstance(wanted, dict):
        return bool(value == wanted)
    found = as_mapping(value)
    return all(key in found and _contains(found[key], one) for key, one in wanted.items())


def _at(item: Mapping[str, Any], path: list[Any]) -> object:
    """What stands at a path; one that goes on into a text reads it as YAML (a ConfigMap's)."""
    value: Any = item
    for part in path:
        if isinstance(value, str):
            value = _read(value)
        in_list = isinstance(part, int) and isinstance(value, list) and part < len(value)
        if in_list or (isinstance(value, dict) and part in value):
            value = value[part]
        else:
            return _ABSENT
    return value


def _read(text: str) -> Any:
    try:
        return yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError:
        return None


def _text(target: Target, item: Object) -> str:
    return object_text(target.kind.name, *name_of(item))


def workload_pods(objects: Objects, workload: Target) -> list[Object]:
    """The live pods of a workload, those of a Deployment by way of its ReplicaSets.

    Of a Job also those that have done their work.
    """
    found = []
    for pod in objects.all(PODS, workload.namespace):
        owner = controller_of(pod)
        kind, name = str(owner.get("kind")), str(owner.get("name"))
        if kind == REPLICA_SET.name and workload.kind.name != REPLICA_SET.name:
            code = labels_of(pod).get("pod-template-hash", "")
            kind, name = "Deployment", name.removesuffix(f"-{code}")
        done = workload.kind is JOB and status_of(pod).get("phase") == "Succeeded"
        if (kind, name) == (workload.kind.name, workload.name) and (done or is_live(pod)):
            found.append(pod)
    return found


def _pod_lacks(pod: Object, wanted: Mapping[str, Any]) -> str:
    """What a pod lacks of what is wanted; empty for nothing."""
    resource = as_pod(pod)
    if "sidecar" in wanted and has_proxy(resource) != wanted["sidecar"]:
        return "has no sidecar" if wanted["sidecar"] else "has a sidecar"
    if "ready" in wanted and is_ready(pod) != wanted["ready"]:
        return "is not ready" if wanted["ready"] else "is ready"
    if "revision" in wanted and got_revision(resource) != wanted["revision"]:
        return f"has a proxy of revision {got_revision(resource) or 'none'}"
    if "image" in wanted:
        images = [str(as_mapping(one).get("image")) for one in as_list(spec_of(pod)["containers"])]
        if wanted["image"] not in images:
            return f"runs {', '.join(images)}"
    return _proxy_lacks(pod, wanted)


def _proxy_lacks(pod: Object, wanted: Mapping[str, Any]) -> str:
    """What a pod's sidecar lacks of what is wanted; empty for nothing."""
    if "waits" in wanted and application_waits(pod) != wanted["waits"]:
        return "starts its application " + ("before" if wanted["waits"] else "after") + " its proxy"
    if "proxy" in wanted:
        proxy = next(
            (one for one in containers_of(spec_of(pod)) if one.get("name") == PROXY_CONTAINER), {}
        )
        if not _covers(proxy, wanted["proxy"]):
            return f"has a sidecar with {_part(proxy, wanted['proxy'])}"
    return ""


def _covers(value: object, wanted: object) -> bool:
    """Whether a value has at least what is wanted, at every depth of its mappings."""
    if not isinstance(wanted, dict):
        amount = quantity(wanted)
        return value == wanted or (amount is not None and quantity(value) == amount)
    found = as_mapping(value)
    return all(key in found and _covers(found[key], one) for key, one in wanted.items())


def _part(value: object, wanted: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {as_mapping(value).get(key)}" for key in wanted)


_KINDS = ("field", "exists", "deleted", "unchanged", "pods", "restarted")


def parse_condition(document: Mapping[str, Any]) -> Condition:
    """Read a condition of a drill's YAML: the key that names its kind holds its settings.

    Raises:
        TargetError: it names no object.
    """
    kind = next(one for one in _KINDS if one in document)
    body = as_mapping(document[kind])
    given = {key: value for key, value in body.items() if key != "object"}
    return Condition(kind, parse_target(str(body.get("object") or "")), given)

"""Field selectors: the few fields of each kind that the API server can select by."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meshdoctor.model.resource import as_mapping
from meshdoctor.serve.api_error import bad_request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.serve.resource_type import Key, ResourceType

_ALWAYS = ("metadata.name", "metadata.namespace")
_FIELDS: dict[Key, tuple[str, ...]] = {
    ("", "pods"): (
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
    ),
    ("", "events"): (
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "involvedObject.apiVersion",
        "involvedObject.resourceVersion",
        "involvedObject.fieldPath",
        "reason",
        "reportingComponent",
        "source",
        "type",
    ),
    ("", "services"): ("spec.clusterIP", "spec.type"),
    ("", "secrets"): ("type",),
    ("", "namespaces"): ("status.phase",),
    ("", "nodes"): ("spec.unschedulable",),
    ("apps", "replicasets"): ("status.replicas",),
    ("batch", "jobs"): ("status.successful",),
}
"""pkg/apis/*/v1/conversion.go of Kubernetes."""
_TERM = re.compile(r"\s*([^=!\s]+)\s*(==|!=|=)\s*((?:\\.|[^,\\])*)")
_ESCAPED = re.compile(r"\\([\\,=])")


@dataclass(frozen=True, slots=True)
class FieldTerm:
    """One term of a field selector."""

    path: tuple[str, ...]
    value: str
    negated: bool

    def matches(self, item: Mapping[str, Any]) -> bool:
        """Whether an object meets it; a field that is absent is empty."""
        return (_text(item, self.path) == self.value) is not self.negated


def _text(item: Mapping[str, Any], path: tuple[str, ...]) -> str:
    value: Any = item
    for part in path:
        value = as_mapping(value).get(part)
    if path == ("source",) and isinstance(value, dict):
        value = value.get("component") or item.get("reportingComponent")
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "false" if path[-1] in ("unschedulable", "hostNetwork") else ""
    return str(value)


def parse_field_selector(text: str, kind: ResourceType) -> tuple[FieldTerm, ...]:
    """Read a selector such as ``spec.nodeName=node-1,status.phase!=Running``.

    Args:
        text: the selector; empty selects everything.
        kind: what it selects from.

    Raises:
        ApiError: it is none, or names a field that this kind cannot be selected by.
    """
    terms: list[FieldTerm] = []
    rest = text.strip()
    while rest:
        match = _TERM.match(rest)
        after = rest[match.end() :].lstrip() if match else ""
        if match is None or (after and not after.startswith(",")):
            raise bad_request(f"invalid field selector {text!r}: cannot read {rest!r}")
        field, operator, value = match.groups()
        if field not in _ALWAYS and field not in _FIELDS.get(kind.key, ()):
            raise bad_request(f"field label not supported: {field}")
        plain = _ESCAPED.sub(r"\1", value.strip())
        terms.append(FieldTerm(tuple(field.split(".")), plain, operator == "!="))
        rest = after.removeprefix(",").lstrip()
    return tuple(terms)

"""The requests that show a root cause: from whom it affects to what they call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.drill.lint_schema import TODO

if TYPE_CHECKING:
    from meshdoctor.model.diagnosis import RootCause
    from meshdoctor.model.finding import Affected

    Document = dict[str, Any]

_SHORT = {"Deployment": "deploy/", "Pod": "", "StatefulSet": "sts/", "DaemonSet": "ds/"}
_IN_CLUSTER = ".svc.cluster.local"
_HTTPS = "443"
_MOST = 8
"""Requests that fixes are tried with: a fault of the whole mesh affects everybody."""


def requests_for(cause: RootCause) -> list[Document]:
    """Requests for a scaffold's check, at least one; TODO for what the diagnosis does not say.

    Args:
        cause: what is wrong.
    """
    calls = [one for one in cause.affected if one.to]
    told = [{**caller, "to": _url(one.to)} for one in calls if (caller := _caller(one))]
    if told:
        return told[:_MOST]
    if calls:
        return [{"from": TODO, "to": _url(calls[0].to)}]
    source = cause.affected[0].source if cause.affected else ""
    return [{"from": TODO, "to": f"{TODO}: something of {source or 'the mesh'}"}]


def _caller(affected: Affected) -> Document | None:
    """Who asks, as a drill names it; None where the diagnosis does not know."""
    kind, _, place = affected.source.partition(" ")
    namespace, _, name = place.rpartition("/")
    if kind in _SHORT and name:
        return {"from": f"{_SHORT[kind]}{name}", "namespace": namespace}
    if not affected.source and _IN_CLUSTER not in affected.to:
        return {"from": "gateway"}
    return None


def _url(to: str) -> str:
    host, _, port = to.rpartition(":")
    if not host or not port.isdecimal():
        return f"http://{to}/"
    return f"https://{host}/" if port == _HTTPS else f"http://{host}:{port}/"

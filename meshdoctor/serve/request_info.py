"""What a request asks of the API: verb, resource and object, as the API server reads a path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_VERBS = {
    "GET": "get",
    "HEAD": "get",
    "POST": "create",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}
_NAMESPACE_SUBRESOURCES = frozenset({"status", "finalize"})
_TRUE = frozenset({"1", "true", "t"})


@dataclass(frozen=True, slots=True)
class RequestInfo:
    """The attributes that authorization looks at (k8s.io/apiserver's RequestInfo)."""

    verb: str
    """get, list, watch, create, update, patch, delete or deletecollection."""
    path: str
    resource: str = ""
    """Plural; empty for a path that names no resource, such as ``/version``."""
    subresource: str = ""
    """``log``, ``exec``, ``portforward``, ``status``; empty for the object itself."""
    group: str = ""
    """API group; empty for the core group."""
    version: str = ""
    namespace: str = ""
    name: str = ""

    @property
    def target(self) -> str:
        """``pods`` or ``pods/log``; the path where no resource is named."""
        if not self.resource:
            return self.path
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


def request_info(method: str, path: str, query: Mapping[str, str]) -> RequestInfo:
    """Read a request as Kubernetes' authorization does.

    Args:
        method: the HTTP method.
        path: the decoded path, without the query.
        query: the decoded query.
    """
    verb = _VERBS.get(method, method.lower())
    match path.strip("/").split("/"):
        case ["api", version, *rest] if rest:
            group = ""
        case ["apis", group, version, *rest] if rest:
            pass
        case _:
            return RequestInfo(verb, path)
    if rest[0] == "watch" and len(rest) > 1:
        verb, rest = "watch", rest[1:]
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
        if len(rest) > 2 and not (len(rest) == 3 and rest[2] in _NAMESPACE_SUBRESOURCES):
            rest = rest[2:]
    resource, name, subresource = (*rest, "", "")[:3]
    if not name:
        verb = _without_name(verb, query)
    return RequestInfo(verb, path, resource, subresource, group, version, namespace, name)


def _without_name(verb: str, query: Mapping[str, str]) -> str:
    if verb == "get":
        return "watch" if query.get("watch", "").lower() in _TRUE else "list"
    return "deletecollection" if verb == "delete" else verb

"""Self-subject reviews: who one is, and what one may do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from meshdoctor.model.not_read import NotReadStatus
from meshdoctor.model.resource import as_mapping
from meshdoctor.serve.api_error import bad_request
from meshdoctor.serve.kubeconfig import USER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.serve.catalog import Catalog

_READ = frozenset({"get", "list", "watch"})
_GROUPS = ["system:masters", "system:authenticated"]


class Denials(Protocol):
    """What forbids requests on demand."""

    def denial(
        self,
        verb: str,
        group: str,
        resource: str,
        subresource: str = "",
        namespace: str = "",
        name: str = "",
    ) -> str | None:
        """Why a request would be forbidden; None when it is allowed."""


def _recorded_denial(catalog: Catalog, verb: str, group: str, resource: str) -> str | None:
    """Who recorded may not have been allowed to read this: nor is who plays it."""
    kind = catalog.types.get((group, resource))
    if kind is None or kind.unread is None or verb not in _READ:
        return None
    return kind.unread.reason if kind.unread.status is NotReadStatus.DENIED else None


def _text(attributes: Mapping[str, Any], key: str) -> str:
    value = attributes.get(key)
    return value if isinstance(value, str) else ""


def access_review(
    document: Mapping[str, Any], catalog: Catalog, denials: Denials
) -> dict[str, Any]:
    """Answer a SelfSubjectAccessReview.

    Args:
        document: the review.
        catalog: what was not read when it was recorded.
        denials: what is forbidden on demand.

    Raises:
        ApiError: it asks about nothing.
    """
    spec = as_mapping(document.get("spec"))
    attributes = as_mapping(spec.get("resourceAttributes"))
    reason = None
    if attributes:
        verb, group, resource = (_text(attributes, key) for key in ("verb", "group", "resource"))
        namespace, name = (_text(attributes, key) for key in ("namespace", "name"))
        part = _text(attributes, "subresource")
        reason = denials.denial(verb, group, resource, part, namespace, name)
        if not part:
            reason = reason or _recorded_denial(catalog, verb, group, resource)
    elif not as_mapping(spec.get("nonResourceAttributes")):
        raise bad_request("exactly one of nonResourceAttributes or resourceAttributes is needed")
    status = {"allowed": reason is None, "reason": reason or "a recording may be read by anyone"}
    return {
        "kind": "SelfSubjectAccessReview",
        "apiVersion": _text(document, "apiVersion") or "authorization.k8s.io/v1",
        "metadata": {"creationTimestamp": None},
        "spec": dict(spec),
        "status": status,
    }


def rules_review(document: Mapping[str, Any], catalog: Catalog, denials: Denials) -> dict[str, Any]:
    """Answer a SelfSubjectRulesReview: each resource with the verbs that are allowed.

    Args:
        document: the review.
        catalog: what is served.
        denials: what is forbidden on demand.
    """
    namespace = _text(as_mapping(document.get("spec")), "namespace")
    rules = []
    for kind in sorted(catalog.types.values(), key=lambda one: one.key):
        verbs = [
            verb
            for verb in kind.verbs
            if denials.denial(verb, kind.group, kind.plural, namespace=namespace) is None
            and _recorded_denial(catalog, verb, kind.group, kind.plural) is None
        ]
        if verbs:
            rule = {"verbs": verbs, "apiGroups": [kind.group], "resources": [kind.plural]}
            rules.append(rule)
    for part, verbs in (
        ("log", ["get"]),
        *((p, ["create", "get"]) for p in ("exec", "portforward")),
    ):
        if denials.denial("get", "", "pods", part, namespace) is None:
            rules.append({"verbs": verbs, "apiGroups": [""], "resources": [f"pods/{part}"]})
    return {
        "kind": "SelfSubjectRulesReview",
        "apiVersion": "authorization.k8s.io/v1",
        "metadata": {"creationTimestamp": None},
        "spec": {},
        "status": {
            "resourceRules": rules,
            "nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": ["*"]}],
            "incomplete": False,
        },
    }


def subject_review(headers: Mapping[str, str]) -> dict[str, Any]:
    """Answer a SelfSubjectReview (``kubectl auth whoami``).

    Args:
        headers: of the request: whom it impersonates.
    """
    user = headers.get("Impersonate-User")
    info: dict[str, Any] = {"username": user or USER, "groups": _GROUPS}
    if user:
        info["groups"] = ["system:authenticated"]
    return {
        "kind": "SelfSubjectReview",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {"creationTimestamp": None},
        "status": {"userInfo": info},
    }

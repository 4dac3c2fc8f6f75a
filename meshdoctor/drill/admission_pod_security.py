"""Pod Security admission: the levels baseline and restricted, as far as a mesh's pods meet them.

After kubernetes.io, Pod Security Standards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.drill.objects import NAMESPACES, Objects, labels_of, spec_of
from meshdoctor.drill.pods import containers_of
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from meshdoctor.serve.object_store import Object

ENFORCE = "pod-security.kubernetes.io/enforce"
_BASELINE = frozenset(
    {
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    }
)
"""Capabilities that may be added under baseline."""


def _context(container: Mapping[str, Any]) -> Mapping[str, Any]:
    return as_mapping(container.get("securityContext"))


def _added(container: Mapping[str, Any]) -> set[str]:
    capabilities = as_mapping(_context(container).get("capabilities"))
    return {str(one) for one in as_list(capabilities.get("add"))}


def _quoted(names: list[str]) -> str:
    listed = ", ".join(f'"{name}"' for name in names)
    return f"container{'s' if len(names) > 1 else ''} {listed}"


def _baseline(spec: Mapping[str, Any], allowed: frozenset[str]) -> Iterator[str]:
    if spec.get("hostNetwork"):
        yield "host namespaces (hostNetwork=true)"
    containers = list(containers_of(spec))
    privileged = [str(one.get("name")) for one in containers if _context(one).get("privileged")]
    if privileged:
        yield f"privileged ({_quoted(privileged)} must not set securityContext.privileged=true)"
    for one in containers:
        if extra := sorted(_added(one) - allowed):
            named = ", ".join(f'"{name}"' for name in extra)
            yield (
                f"{'non-default' if allowed is _BASELINE else 'unrestricted'} capabilities "
                f'(container "{one.get("name")}" must not include {named} in '
                "securityContext.capabilities.add)"
            )
    volumes = [as_mapping(one) for one in as_list(spec.get("volumes"))]
    if paths := [str(one.get("name")) for one in volumes if "hostPath" in one]:
        yield f'hostPath volumes (volume "{paths[0]}")'


def _restricted(spec: Mapping[str, Any]) -> Iterator[str]:
    pod = as_mapping(spec.get("securityContext"))
    containers = list(containers_of(spec))

    def lacking(holds: Any) -> list[str]:
        return [str(one.get("name")) for one in containers if not holds(_context(one))]

    if names := lacking(lambda own: own.get("allowPrivilegeEscalation") is False):
        field = "securityContext.allowPrivilegeEscalation=false"
        yield f"allowPrivilegeEscalation != false ({_quoted(names)} must set {field})"
    if names := lacking(
        lambda own: "ALL" in as_list(as_mapping(own.get("capabilities")).get("drop"))
    ):
        field = 'securityContext.capabilities.drop=["ALL"]'
        yield f"unrestricted capabilities ({_quoted(names)} must set {field})"
    if names := lacking(lambda own: own.get("runAsNonRoot", pod.get("runAsNonRoot")) is True):
        field = "securityContext.runAsNonRoot=true"
        yield f"runAsNonRoot != true (pod or {_quoted(names)} must set {field})"
    profile = as_mapping(pod.get("seccompProfile"))
    if names := lacking(
        lambda own: (
            as_mapping(own.get("seccompProfile", profile)).get("type")
            in ("RuntimeDefault", "Localhost")
        )
    ):
        yield (
            f"seccompProfile (pod or {_quoted(names)} must set securityContext.seccompProfile.type "
            'to "RuntimeDefault" or "Localhost")'
        )


def pod_security_refusal(objects: Objects, namespace: str, pod: Object) -> str | None:
    """Why Pod Security keeps a pod out; None where it lets it in.

    Args:
        objects: what there is.
        namespace: the pod's.
        pod: after injection.
    """
    found = objects.get(NAMESPACES, "", namespace)
    level = labels_of(found).get(ENFORCE, "privileged") if found is not None else "privileged"
    spec = spec_of(pod)
    match level:
        case "baseline":
            violations = list(_baseline(spec, _BASELINE))
        case "restricted":
            bounded = frozenset({"NET_BIND_SERVICE"})
            violations = [*_baseline(spec, bounded), *_restricted(spec)]
        case _:
            violations = []
    return f'violates PodSecurity "{level}:latest": {", ".join(violations)}' if violations else None

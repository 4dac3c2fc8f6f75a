"""Do the two ends of every connection trust one root?

A root that is replaced without a time of overlap cuts old proxies off from istiod and from every
pod that was born later, in both directions; each has a certificate that the other does not accept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.access_logs import RECENT
from meshdoctor.analyze.base import (
    MESH_SUBJECT,
    PROXY_CONFIG,
    PROXY_LOG,
    holds,
    proxy_subject,
    silent,
    unread,
)
from meshdoctor.analyze.injection_commands import restart_command
from meshdoctor.analyze.injection_facts import listed
from meshdoctor.analyze.mesh_roots import Mesh, Trust, meshes, other_clusters
from meshdoctor.analyze.mtls_facts import transport_text
from meshdoctor.analyze.proxy_evidence import config_evidence, log_evidence
from meshdoctor.analyze.root_evidence import ca_evidence, proxy_root_evidence, short
from meshdoctor.analyze.sync_connections import (
    all_connections_known,
    connection_evidence,
    connections,
)
from meshdoctor.analyze.sync_reach_log import Way, report
from meshdoctor.model.finding import Affected, FactState, Finding, Outcome, Severity
from meshdoctor.model.kinds import CONFIG_MAP, POD
from meshdoctor.model.pod import PROXY_CONTAINER, container_runs, is_finished, is_terminating

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.access_log import AccessLogEntry
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.finding import Fact
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.workload import Workload

MISMATCH = "MD0210"
PENDING = "MD0211"

ROOTS_DIFFER = "roots-differ"
NOT_ACCEPTED = "certificates-not-accepted"
_ROOTS_AGREE = "roots-agree"
_MOST_SHOWN = 3
_UNTRUSTED = ("CERTIFICATE_VERIFY_FAILED", "UNKNOWN_CA", "unknown_ca")
_BY_NAME = "SAN_matcher"


def _name(mesh: Snapshot, item: Trust) -> str:
    return mesh.caller(item.proxy)


def _differ(mesh: Snapshot, found: Mesh, left: tuple[Trust, ...]) -> Fact:
    """That roots differ: the serials of both ends."""
    root = found.certificate
    now = f"istiod signs with the root of serial {short(root)}" if root else "others trust another"
    names = listed(sorted({_name(mesh, item) for item in left}))
    old = left[0].roots.certificates[0]
    text = f"The proxies of {names} trust the root of serial {short(old)}; {now}"
    shown = [proxy_root_evidence(item) for item in left[:_MOST_SHOWN]]
    return holds(ROOTS_DIFFER, text, *shown, *ca_evidence(found, left))


def says_untrusted(entry: AccessLogEntry) -> bool:
    """Whether a call failed because a certificate leads to no root that is trusted."""
    text = transport_text(entry)
    # A name that is not accepted says the same first: another cause.
    return _BY_NAME not in text and any(word in text for word in _UNTRUSTED)


def _distrust_lines(mesh: Snapshot, found: Mesh, left: tuple[Trust, ...]) -> Iterator[Evidence]:
    """Lines by which a proxy does not accept istiod's or a peer's certificate, while it lasts."""
    for item in left:
        said = report(item.proxy.log) if item.proxy.log else None
        if said is not None and said.way is Way.CERTIFICATE and said.line is not None:
            yield log_evidence(item.proxy, said.line)
    for item in found.trusts:
        for entry in reversed(item.proxy.log.access if item.proxy.log else ()):
            if entry.time is None or entry.time < mesh.now - RECENT:
                break
            if says_untrusted(entry):
                yield log_evidence(item.proxy, entry)
                break


def not_accepted(mesh: Snapshot, found: Mesh, left: tuple[Trust, ...]) -> Fact:
    """The fact that logs speak of certificates that are not trusted."""
    lines = list(_distrust_lines(mesh, found, left))
    if lines:
        text = f"{len(lines)} proxies say that a certificate is signed by an unknown authority"
        return holds(NOT_ACCEPTED, text, *lines[:_MOST_SHOWN])
    known = connections(mesh)
    cut = [item.proxy.id for item in left if item.proxy.id not in known]
    if cut and known and all_connections_known(mesh):
        text = f"istiod lists {len(known)} proxies; {listed(cut)} is not among them"
        return holds(NOT_ACCEPTED, text, connection_evidence(known[min(known)]))
    if any(item.proxy.log is None for item in left):
        return unread(NOT_ACCEPTED, "Not every proxy's log was read")
    return silent(NOT_ACCEPTED, "No log speaks of a certificate that is not trusted yet")


def _replaced(found: Mesh, left: tuple[Trust, ...]) -> bool:
    """Whether the CA changed under the proxies, rather than they never being part of it."""
    roots = found.secret_roots
    if found.secret is None or roots is None or found.signs not in roots.ids:
        return False
    made = max(
        time
        for time in (found.secret.created, *(root.not_before for root in roots.certificates))
        if time is not None
    )
    return any(item.issued is not None and item.issued < made for item in left)


def _workloads(mesh: Snapshot, left: tuple[Trust, ...]) -> list[Workload]:
    owners = (mesh.workload_of(item.proxy) for item in left)
    return list({str(owner): owner for owner in owners if owner is not None}.values())


def _mismatch(mesh: Snapshot, found: Mesh, left: tuple[Trust, ...]) -> Finding:
    owners = _workloads(mesh, left)
    names = sorted({_name(mesh, item) for item in left})
    secret = [str(found.secret)] if found.secret is not None else []
    objects = [*secret, *names] if _replaced(found, left) else [*names, *secret]
    who = listed(names)
    ca = secret[0] if secret else f"the CA of istiod in {found.namespace}"
    message = (
        f"{len(left)} of {len(found.trusts)} proxies hold another root than {ca}: {who} and the "
        "rest of the mesh do not accept each other's certificates"
    )
    seen = not_accepted(mesh, found, left)
    # All with one other root may have another CA by design (SPIRE): then nothing fails.
    counts = len(left) < len(found.trusts) or seen.state is FactState.HOLDS
    return Finding(
        code=MISMATCH,
        subject=MESH_SUBJECT,
        outcome=Outcome.FAIL if counts else Outcome.WARN,
        message=message,
        resource=objects[0],
        objects=tuple(objects[:6]),
        facts=(_differ(mesh, found, left), seen),
        affected=tuple(Affected(name, "") for name in names),
        severity=None if counts else Severity.WARNING,
        root=counts,
        fills={
            "claim": f"{who} {'holds' if len(names) == 1 else 'hold'} another root certificate "
            f"than {ca}",
            "mend": "Restart what still holds the old root; each new pod gets it from istiod.",
            "mend_command": restart_command(owners),
            "mend_changes": f"The pods of {who} are made anew.",
            "mend_undo": "Nothing to undo: the workloads stay as they are.",
            "istiod_namespace": found.namespace,
            "proxy": left[0].proxy.id,
        },
    )


def _agree(found: Mesh) -> Finding:
    """A PASS: every proxy trusts what istiod signs with."""
    text = f"All {len(found.trusts)} proxies that were read trust the root that istiod signs with"
    item = found.trusts[0]
    command = f"istioctl proxy-config secret {item.proxy.id} -o json"
    shown = [config_evidence(item.proxy, f"{item.roots.pointer}/name", item.roots.name, command)]
    if found.distributed is not None:
        shown.append(found.distributed.evidence)
    resource = f"Namespace {found.namespace}"
    facts = (holds(_ROOTS_AGREE, text, *shown),)
    return Finding(MISMATCH, MESH_SUBJECT, Outcome.PASS, text, resource, facts=facts)


def _pending(found: Mesh) -> Finding | None:
    """A note: the CA's Secret holds another root than istiod hands out."""
    given, roots = found.distributed, found.secret_roots
    if found.secret is None or given is None or roots is None or given.ids & roots.ids:
        return None
    text = (
        f"{found.secret} holds another root than istiod distributes: when istiod starts again, "
        "no running proxy will trust it"
    )
    shown = found.secret.evidence("metadata", "creationTimestamp")
    return Finding(
        code=PENDING,
        subject=MESH_SUBJECT,
        outcome=Outcome.WARN,
        message=text,
        resource=str(found.secret),
        objects=(str(found.secret), str(given.resource)),
        facts=(holds("ca-secret-differs", text, shown),),
        root=False,
    )


def _unseen(mesh: Snapshot) -> list[str]:
    """Running proxies whose configuration was not read."""
    return [
        f"{pod.name}.{pod.namespace}"
        for pod in mesh.proxy_pods
        if not is_finished(pod)
        and not is_terminating(pod)
        and container_runs(pod, PROXY_CONTAINER)
        and ((proxy := mesh.proxy_of(pod)) is None or proxy.config is None)
    ]


def _cannot_tell(proxy_id: str) -> Finding:
    """Of one proxy: whoever asks about other namespaces need not hear of it."""
    text = f"Which roots {proxy_id} trusts is not known: what it holds was not read"
    subject = proxy_subject(proxy_id)
    return Finding(MISMATCH, subject, Outcome.UNKNOWN, text, subject, needs=(PROXY_CONFIG,))


@dataclass(frozen=True, slots=True)
class RootsAgree:
    """Every proxy trusts the root that istiod signs with."""

    name: str = "root-certificates"
    description: str = "Every proxy trusts the root that istiod signs with."
    # Where Secrets are denied, Envoy and the ConfigMap show the roots.
    inputs: tuple[str, ...] = (PROXY_CONFIG, PROXY_LOG, POD.input, CONFIG_MAP.input)
    codes: tuple[str, ...] = (MISMATCH, PENDING)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """One FAIL for each mesh whose proxies do not share a root."""
        agreed, is_told = True, False
        for found in meshes(mesh):
            left = found.left_behind
            if left and not other_clusters(found):
                finding = _mismatch(mesh, found, left)
                is_told = is_told or finding.root
                yield finding
            agreed = agreed and not left
            note = _pending(found)
            if note is not None:
                yield note
        unseen = _unseen(mesh)
        read = [found for found in meshes(mesh) if found.trusts]
        if not is_told:
            for proxy_id in unseen:
                yield _cannot_tell(proxy_id)
        if agreed and read and not unseen:
            yield _agree(read[0])


ANALYZER = RootsAgree()

"""The filters of a chain that judge a request before it is routed: JWT, then RBAC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from meshdoctor.model.resource import parse_time
from meshdoctor.model.trace import Place, Verdict
from meshdoctor.trace.access import Denial, denials, external
from meshdoctor.trace.judged import gatekeeping, judged
from meshdoctor.trace.replies import Kind, Reply
from meshdoctor.trace.tokens import DENIED, authentications, judge_token, providers_of

if TYPE_CHECKING:
    from meshdoctor.model.envoy import FilterChain, Listener
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.trace import Gatekeeping
    from meshdoctor.trace.arrival import Arrival
    from meshdoctor.trace.trail import Branch, Trail

DRAIN = timedelta(seconds=45)
"""ProxyConfig ``drainDuration``, as istiod sets it unless told otherwise."""
_FORBIDDEN = 403


@dataclass(frozen=True, slots=True)
class Refusal:
    """One way in which a filter may end the request."""

    status: int
    details: str
    share: float
    because: str
    objects: tuple[str, ...]
    flags: tuple[str, ...] = ()
    condition: str = ""

    def as_reply(self, place: Place) -> Reply:
        """What it is to the proxy that sent the request."""
        return Reply(
            Kind.STATUS if self.status else Kind.CLOSED,
            self.share,
            self.because,
            self.objects,
            place,
            self.status,
            self.flags,
            self.details,
            self.condition,
        )


@dataclass(frozen=True, slots=True)
class Passage:
    """What the filters of a chain leave of the requests."""

    refusals: tuple[Refusal, ...]
    share: float
    """Part of the requests that get past all of them."""
    old_connections: bool = False
    """Whether connections from before the proxy's last update still pass, refused or not."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Where the filters stand."""

    proxy: Proxy
    pod: Resource
    listener: Listener
    chain: FilterChain
    place: Place
    port: int


def _is_draining(trail: Trail, gate: Gate) -> bool:
    """Whether the listener came so lately that chains it replaced still serve connections.

    Envoy lets the connections of a filter chain that an update removes live on until they drain.
    """
    config = gate.proxy.config
    time = parse_time(config.updated.get(gate.listener.name)) if config else None
    return time is not None and trail.mesh.now - time < DRAIN


def _jwt(trail: Trail, branch: Branch, gate: Gate) -> tuple[list[Refusal], bool | None]:
    verdict = judge_token(trail.mesh, gate.chain, trail.request)
    if verdict is None:
        return [], False
    providers = providers_of(gate.chain)
    objects = tuple(
        dict.fromkeys(
            str(item)
            for provider in providers
            for item in authentications(trail.mesh, gate.pod, provider.issuer)
        )
    )
    state = Verdict.FAILS if verdict.refused else Verdict.PASSES
    trail.hop(
        branch,
        gate.place,
        "JWT filter",
        ", ".join(item.name for item in providers),
        Verdict.MAY_FAIL if verdict.may_be_refused else state,
        verdict.because,
        objects=objects,
        proxy=gate.proxy,
    )
    if verdict.refused is not None:
        status, reason = verdict.refused
        text = f"{DENIED}{{{reason}}}"
        return [Refusal(status, text, branch.share, verdict.because, objects)], None
    if verdict.may_be_refused is not None:
        status, reason = verdict.may_be_refused
        text = f"{DENIED}{{{reason}}}"
        when = "if it brings a token that is not valid"
        refusal = Refusal(status, text, 0.0, verdict.because, objects, condition=when)
        return [refusal], None
    return [], verdict.validated


def _note(
    trail: Trail,
    branch: Branch,
    gate: Gate,
    denial: Denial | None,
    asked: Gatekeeping,
    *,
    http: bool,
) -> None:
    name = "HTTP RBAC filter" if http else "network RBAC filter"
    verdict = Verdict.PASSES
    text = "an ALLOW rule matches and no DENY rule does"
    objects: tuple[str, ...] = ()
    if denial is not None:
        verdict = Verdict.FAILS if denial.certain else Verdict.MAY_FAIL
        text, objects = denial.because, denial.objects
    held = next(f for f in gate.chain.rbac if f.is_http is http and f.policies)
    trail.hop(
        branch,
        gate.place,
        name,
        held.name,
        verdict,
        text,
        objects=objects,
        proxy=gate.proxy,
        gatekeeping=asked,
    )


def pass_filters(trail: Trail, branch: Branch, gate: Gate, arrival: Arrival | None) -> Passage:
    """What becomes of a request at the filters of a chain.

    Args:
        trail: takes the hops.
        branch: where it stands.
        gate: the chain and whose it is.
        arrival: the connection that the request comes by; None for a gateway's own clients.
    """
    refusals, validated = _jwt(trail, branch, gate)
    share = branch.share
    if any(item.share for item in refusals):
        return Passage(tuple(refusals), 0.0, _is_draining(trail, gate))
    for http in (False, True):
        if not any(f.is_http is http and f.policies for f in gate.chain.rbac):
            continue
        seen = judged(trail.mesh, trail.request, arrival, gate.port, validated)
        found = list(denials(trail.mesh, gate.chain, seen, http=http))
        asked = gatekeeping(seen, arrival, gate.pod, gate.port)
        _note(trail, branch, gate, found[-1] if found else None, asked, http=http)
        for denial in found:
            part = share if denial.certain else share / 2
            share -= part
            details = denial.details if http else "rbac_deny_close"
            status = _FORBIDDEN if http else 0
            refusals.append(Refusal(status, details, part, denial.because, denial.objects))
    custom = external(gate.chain)
    if custom and share:
        text = "an external authorizer has a say, and nothing read tells what it says"
        trail.hop(
            branch,
            gate.place,
            "ext_authz filter",
            ", ".join(custom),
            Verdict.MAY_FAIL,
            text,
            objects=custom,
            proxy=gate.proxy,
        )
        trail.miss(f"the external authorizer of {', '.join(custom)}", "whether it lets pass")
        half = share / 2
        refusals.append(Refusal(_FORBIDDEN, "ext_authz_denied", half, text, custom, ("UAEX",)))
        share = half
    draining = any(item.share for item in refusals) and _is_draining(trail, gate)
    return Passage(tuple(refusals), share, draining)

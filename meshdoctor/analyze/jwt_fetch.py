"""Keys that istiod could not fetch: it then ships a key that verifies no token at all.

istiod fetches ``jwksUri`` itself, not the proxy, so the address must be reachable from its pod and
trusted there (pilot/pkg/model/jwks_resolver.go).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.analyze.authorization_words import everyone, fills, save_and_edit
from meshdoctor.analyze.authorization_workloads import Governed, governed
from meshdoctor.analyze.base import (
    ISTIOD_LOG,
    MESH_SUBJECT,
    PROXY_CONFIG,
    holds,
    silent,
    unread,
)
from meshdoctor.analyze.jwt_keys import HeldProvider, JwtRule, held_for, is_placeholder, rules_at
from meshdoctor.analyze.jwt_refusals import affected_by, refusals_at, refused_fact
from meshdoctor.analyze.proxy_evidence import config_evidence
from meshdoctor.model.evidence import Evidence, join_pointer
from meshdoctor.model.finding import Fact, Finding, Outcome
from meshdoctor.model.kinds import POD, REQUEST_AUTHENTICATION

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from meshdoctor.model.snapshot import Snapshot

FETCH_FAILED = "MD0712"

KEY_REASONS = ("Jwt_verification_fails", "Jwks_doesn't_have_key", "Jwks_remote_fetch_is_failed")
_RETRIED = timedelta(minutes=25)
"""Older releases wait 20 minutes before they fetch again."""
_FAILURES = ("Failed to GET from", "Failed to refresh JWT public key", "JWKS fetch failed")


@lru_cache(maxsize=2)
def _fetch_failures(mesh: Snapshot) -> dict[str, tuple[str, Evidence]]:
    """Istiod's newest complaint about each address, or issuer."""
    found: dict[str, tuple[str, Evidence]] = {}
    for istiod in mesh.istiods:
        for line in istiod.log.lines if istiod.log else ():
            text = f"{line.message} {line.text}"
            if line.time is None or line.time < mesh.now - _RETRIED:
                continue
            if not any(words in text for words in _FAILURES):
                continue
            for address in (part for part in text.replace("'", '"').split('"') if "://" in part):
                evidence = Evidence(
                    source=istiod.path("discovery.log"),
                    line=line.line,
                    excerpt=line.text,
                    command=(
                        f"kubectl logs {istiod.pod} -n {istiod.namespace} -c discovery --since=10m"
                    ),
                )
                found[address] = (line.time.isoformat(), evidence)
    return found


def _logged(mesh: Snapshot, rule: JwtRule) -> Evidence | None:
    failures = _fetch_failures(mesh)
    found = failures.get(rule.uri) or failures.get(rule.issuer)
    if found is None:
        return None
    made = rule.policy.created
    return None if made is not None and found[0] < made.isoformat() else found[1]


def _dump_fact(rule: JwtRule, held: tuple[HeldProvider, ...]) -> Fact:
    bad = [item for item in held if is_placeholder(item.provider)]
    if not bad:
        text = f"No configuration of a proxy was read that shows the keys of {rule.issuer}"
        return unread("proxy-holds-placeholder", text)
    first = bad[0]
    evidence = config_evidence(
        first.proxy,
        join_pointer(first.provider.pointer, ("issuer",)),
        first.provider.issuer,
        f"istioctl proxy-config listener {first.proxy.id} --port 15006 -o json",
    )
    text = f"For {rule.issuer} {first.proxy.id} holds a key whose private half nobody has"
    return holds("proxy-holds-placeholder", text, evidence)


def _istiod_fact(mesh: Snapshot, rule: JwtRule) -> Fact:
    line = _logged(mesh, rule)
    if line is not None:
        return holds("istiod-failed-to-fetch", f"istiod failed to fetch {rule.uri}", line)
    if not mesh.istiods or any(istiod.log is None for istiod in mesh.istiods):
        return unread("istiod-failed-to-fetch", "istiod's log could not be read")
    return silent("istiod-failed-to-fetch", "istiod's log does not say so any more")


def _finding(mesh: Snapshot, item: Governed, rule: JwtRule) -> Finding:
    policy = rule.policy
    refused = refusals_at(mesh, item, *KEY_REASONS)
    suffer = affected_by(mesh, refused) or everyone(mesh, item)
    key = "jwksUri" if policy.get(*rule.path, "jwksUri") else "issuer"
    address = rule.uri or f"the keys of {rule.issuer}"
    text = f"{policy} takes the keys of {rule.issuer} from {address}; istiod cannot fetch them"
    edit, undo = save_and_edit(policy)
    return Finding(
        code=FETCH_FAILED,
        subject=item.subject,
        outcome=Outcome.FAIL,
        message=f"istiod cannot fetch {address}, so {item.workload} refuses every token",
        resource=str(policy),
        objects=(str(policy),),
        facts=(
            holds("keys-not-fetched", text, policy.evidence(*rule.path, key)),
            _dump_fact(rule, held_for(mesh, item, rule.issuer)),
            _istiod_fact(mesh, rule),
            refused_fact(mesh, item, refused),
        ),
        affected=suffer,
        fills={
            **fills(mesh, item, policy, suffer[0].to),
            "issuer": rule.issuer,
            "uri": address,
            "edit": edit,
            "undo_edit": undo,
        },
    )


def _state(mesh: Snapshot, item: Governed, rule: JwtRule) -> Outcome:
    """FAIL when the keys could not be fetched; UNKNOWN when nothing read tells."""
    held = held_for(mesh, item, rule.issuer)
    if any(is_placeholder(one.provider) for one in held):
        return Outcome.FAIL
    if any(one.provider.local_jwks for one in held):
        return Outcome.PASS
    if _logged(mesh, rule) is not None:
        return Outcome.FAIL
    proxies_read = any(proxy.config is not None for _, proxy in item.proxies(mesh))
    return Outcome.PASS if proxies_read else Outcome.UNKNOWN


def _judge(mesh: Snapshot, item: Governed) -> Iterator[Finding]:
    fetched = [rule for rule in rules_at(item) if not rule.inline]
    states = {rule: _state(mesh, item, rule) for rule in fetched}
    failed = [rule for rule, state in states.items() if state is Outcome.FAIL]
    if failed:
        for rule in failed:
            yield _finding(mesh, item, rule)
        return
    unknown = Outcome.UNKNOWN in states.values()
    message = (
        f"Whether istiod could fetch the keys for {item.workload} stands in its proxies' "
        "configuration and in istiod's log"
        if unknown
        else f"The keys for {item.workload} were fetched"
        if fetched
        else f"The keys for {item.workload} stand in its RequestAuthentication: nothing is fetched"
    )
    shown = [rule.evidence for rule in rules_at(item)[:2]]
    yield Finding(
        code=FETCH_FAILED,
        subject=item.subject,
        outcome=Outcome.UNKNOWN if unknown else Outcome.PASS,
        message=message,
        resource=str(item.workload),
        facts=() if unknown else (holds("keys-are-there", message, *shown),),
        needs=(PROXY_CONFIG, ISTIOD_LOG) if unknown else (),
    )


@dataclass(frozen=True, slots=True)
class _Fetch:
    name: str = "jwt-keys-fetched"
    description: str = "istiod could fetch the keys that tokens are checked against."
    inputs: tuple[str, ...] = (REQUEST_AUTHENTICATION.input, POD.input, PROXY_CONFIG, ISTIOD_LOG)
    codes: tuple[str, ...] = (FETCH_FAILED,)

    def analyze(self, mesh: Snapshot) -> Iterable[Finding]:
        """Judge every workload that checks tokens."""
        needs = mesh.catalog.unread(REQUEST_AUTHENTICATION, POD)
        if needs:
            text = "Where the keys for tokens come from cannot be told"
            yield Finding(FETCH_FAILED, MESH_SUBJECT, Outcome.UNKNOWN, text, "mesh", needs=needs)
            return
        for item in governed(mesh):
            if item.authentications:
                yield from _judge(mesh, item)


ANALYZER = _Fetch()

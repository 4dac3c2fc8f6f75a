"""Inline keys that no proxy takes: its whole inbound listener is refused, rules and all.

Until it is mended the proxy goes on with the listener it had before, so the tokens are not checked
and the AuthorizationPolicies that came with it are not in force; a pod that starts now gets no
inbound listener at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.authorization_words import everyone, fills, save_and_delete, save_and_edit
from meshdoctor.analyze.authorization_workloads import Governed, governed
from meshdoctor.analyze.base import ISTIOD_SYNC, MESH_SUBJECT, PROXY_CONFIG, holds, unread
from meshdoctor.analyze.jwt_keys import JwtRule, held_for, rules_at, unusable_because
from meshdoctor.analyze.sync_rejections import Rejection, rejections
from meshdoctor.model.finding import Fact, Finding, Outcome
from meshdoctor.model.kinds import POD, REQUEST_AUTHENTICATION

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshdoctor.model.snapshot import Snapshot

REJECTED = "MD0713"


def _about_tokens(mesh: Snapshot, item: Governed) -> Rejection | None:
    ids = {f"{pod.name}.{pod.namespace}" for pod in item.pods}
    for found in rejections(mesh):
        reason = found.reason.lower()
        if found.proxy_id in ids and ("jwt_authn" in reason or "jwks" in reason):
            return found
    return None


def _culprit(item: Governed, refused: Rejection | None) -> tuple[JwtRule, str] | None:
    inline = [rule for rule in rules_at(item) if rule.inline]
    for rule in inline:
        why = unusable_because(rule.inline)
        if why is not None:
            return rule, why
    if refused is not None and (inline or rules_at(item)):
        newest = max(inline or rules_at(item), key=lambda r: str(r.policy.created))
        return newest, "Envoy takes none of its keys"
    return None


def _refused_fact(refused: Rejection | None) -> Fact:
    if refused is None:
        text = "Neither istiod's sync state nor a proxy's own was read that shows a refusal"
        return unread("proxy-rejects-configuration", text)
    text = f"{refused.proxy_id} refuses its {refused.type}: {refused.reason.strip()}"
    return holds("proxy-rejects-configuration", text, *refused.evidence)


def _finding(
    mesh: Snapshot, item: Governed, rule: JwtRule, why: str, refused: Rejection | None
) -> Finding:
    policy = rule.policy
    text = f"The inline jwks of {policy} for {rule.issuer} is of no use: {why}"
    suffer = everyone(mesh, item)
    away, back = save_and_delete(policy)
    edit, undo = save_and_edit(policy)
    others = [str(other) for other in item.policies if other.created == policy.created]
    return Finding(
        code=REJECTED,
        subject=item.subject,
        outcome=Outcome.FAIL,
        message=f"The proxies of {item.workload} refuse their listener: {why} ({policy}, jwks)",
        resource=str(policy),
        objects=tuple(dict.fromkeys((str(policy), *others)))[:6],
        facts=(
            holds(
                "requestauthentication-explains-rejection",
                text,
                policy.evidence(*rule.path, "jwks" if rule.inline else "issuer"),
            ),
            _refused_fact(refused),
        ),
        affected=suffer,
        fills={
            **fills(mesh, item, policy, suffer[0].to),
            "issuer": rule.issuer,
            "why": why,
            "edit": edit,
            "undo_edit": undo,
            "remove": away,
            "restore": back,
        },
    )


def _takes_it(mesh: Snapshot, item: Governed, rule: JwtRule) -> bool:
    """Whether a proxy holds this very rule's keys, so that it did not refuse them."""
    wanted = "".join(rule.inline.split())[:60]
    return any(
        wanted and wanted == "".join((held.provider.local_jwks or "").split())[:60]
        for held in held_for(mesh, item, rule.issuer)
    )


def _judge(mesh: Snapshot, item: Governed) -> Finding | None:
    refused = _about_tokens(mesh, item)
    culprit = _culprit(item, refused)
    if culprit is not None and (refused is not None or not _takes_it(mesh, item, culprit[0])):
        return _finding(mesh, item, *culprit, refused)
    if culprit is not None:
        # A proxy that holds keys of no use will not take them a second time.
        return None
    message = f"The proxies of {item.workload} take the keys that tokens are checked against"
    shown = [rule.evidence for rule in rules_at(item)[:2]]
    return Finding(
        code=REJECTED,
        subject=item.subject,
        outcome=Outcome.PASS,
        message=message,
        resource=str(item.workload),
        facts=(holds("keys-are-taken", message, *shown),),
    )


@dataclass(frozen=True, slots=True)
class _Rejected:
    name: str = "jwt-keys-taken"
    description: str = "Proxies take the keys that RequestAuthentications carry."
    inputs: tuple[str, ...] = (REQUEST_AUTHENTICATION.input, POD.input, ISTIOD_SYNC, PROXY_CONFIG)
    codes: tuple[str, ...] = (REJECTED,)

    def analyze(self, mesh: Snapshot) -> Iterable[Finding]:
        """Judge every workload that checks tokens."""
        needs = mesh.catalog.unread(REQUEST_AUTHENTICATION, POD)
        if needs:
            text = "Which keys proxies are given cannot be told"
            yield Finding(REJECTED, MESH_SUBJECT, Outcome.UNKNOWN, text, "mesh", needs=needs)
            return
        for item in governed(mesh):
            if item.authentications and (found := _judge(mesh, item)) is not None:
                yield found


ANALYZER = _Rejected()

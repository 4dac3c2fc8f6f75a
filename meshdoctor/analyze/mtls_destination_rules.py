"""DestinationRules whose ``tls`` the servers cannot understand.

Automatic mTLS gets none of this wrong; a rule that sets ``tls`` switches it off for its host.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import MESH_SUBJECT, PROXY_CONFIG, PROXY_LOG, holds
from meshdoctor.analyze.mtls_agreements import (
    no_foreign_tls,
    no_identity_missed,
    no_mutual_to_disabled,
    no_mutual_to_plain_pod,
    no_plaintext_to_strict,
)
from meshdoctor.analyze.mtls_encounters import encounters
from meshdoctor.analyze.mtls_rule_conflicts import (
    MUTUAL_TO_DISABLED,
    MUTUAL_TO_PLAIN_POD,
    PLAINTEXT_TO_STRICT,
    mutual_to_disabled,
    mutual_to_plain_pod,
    plaintext_to_strict,
)
from meshdoctor.analyze.mtls_rule_foreign_tls import FOREIGN_MODES, FOREIGN_TLS, foreign_tls
from meshdoctor.analyze.mtls_rule_names import NAME_MISSED, name_missed
from meshdoctor.intent.client_tls import ClientMode
from meshdoctor.model.finding import Finding, Outcome
from meshdoctor.model.kinds import DESTINATION_RULE, PEER_AUTHENTICATION, POD, SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from meshdoctor.analyze.mtls_encounters import Encounter
    from meshdoctor.model.snapshot import Snapshot

UNDERSTOOD = "client-and-server-agree"

_NEEDED = (DESTINATION_RULE, SERVICE, POD)
_MOST_NOTES = 20
_CHECKS = {
    PLAINTEXT_TO_STRICT: plaintext_to_strict,
    MUTUAL_TO_PLAIN_POD: mutual_to_plain_pod,
    MUTUAL_TO_DISABLED: mutual_to_disabled,
    NAME_MISSED: name_missed,
    FOREIGN_TLS: foreign_tls,
}
_TURNS_ON_POLICY = {
    PLAINTEXT_TO_STRICT: frozenset({ClientMode.DISABLE}),
    MUTUAL_TO_DISABLED: frozenset({ClientMode.ISTIO_MUTUAL}),
    FOREIGN_TLS: FOREIGN_MODES,
}
_AGREEMENTS = {
    PLAINTEXT_TO_STRICT: no_plaintext_to_strict,
    MUTUAL_TO_PLAIN_POD: no_mutual_to_plain_pod,
    MUTUAL_TO_DISABLED: no_mutual_to_disabled,
    NAME_MISSED: no_identity_missed,
    FOREIGN_TLS: no_foreign_tls,
}


def _agreement(code: str, meeting: Encounter) -> Finding | None:
    """A PASS: why this encounter cannot fail in the code's way; None where that is not so."""
    found = _AGREEMENTS[code](meeting)
    if found is None:
        return None
    text, shown = found
    setting = meeting.tls.setting
    return Finding(
        code=code,
        subject=meeting.subject,
        outcome=Outcome.PASS,
        message=text,
        resource=str(setting.rule if setting else meeting.service.resource),
        facts=(holds(UNDERSTOOD, text, *shown),),
    )


def _cannot_tell(code: str, meeting: Encounter, needs: tuple[str, ...]) -> Finding:
    return Finding(
        code=code,
        subject=meeting.subject,
        outcome=Outcome.UNKNOWN,
        message=f"What the servers of {meeting.destination} demand could not be read",
        resource=str(meeting.service.resource),
        needs=needs,
    )


def _judge(mesh: Snapshot, code: str, meeting: Encounter) -> Finding | None:
    found = _CHECKS[code](mesh, meeting)
    if found is not None:
        return found
    unread = mesh.catalog.unread(PEER_AUTHENTICATION)
    modes = _TURNS_ON_POLICY.get(code, frozenset())
    matters = meeting.tls.mode in modes and meeting.tls.setting is not None
    if unread and matters and any(server.enforces for server in meeting.servers):
        return _cannot_tell(code, meeting, unread)
    return _agreement(code, meeting)


def _worst_first(judged: Iterable[Finding | None]) -> Iterator[Finding]:
    """Of a destination and a code: every problem, else what is unknown, else one PASS.

    Where one encounter is neither (None), nothing is ruled out for the destination.
    """
    found = list(judged)
    said = [item for item in found if item is not None]
    problems = [item for item in said if item.outcome in (Outcome.FAIL, Outcome.WARN)]
    unknown = [item for item in said if item.outcome is Outcome.UNKNOWN]
    if problems or unknown:
        yield from problems or unknown[:1]
    elif len(said) == len(found):
        yield from said[:1]


def _is_of_interest(meetings: list[Encounter]) -> bool:
    """Whether a PASS is worth saying: a rule for every host would give thousands."""
    return any(
        item.used or (item.tls.setting and "*" not in str(item.tls.setting.rule.spec.get("host")))
        for item in meetings
    )


def _worth_saying(found: Iterable[Finding]) -> Iterator[Finding]:
    """All but the notes about a rule that fails elsewhere anyway, and too many of any rule."""
    findings = list(found)
    failing = {item.objects[0] for item in findings if item.outcome is Outcome.FAIL}
    notes: Counter[str] = Counter()
    for item in findings:
        if item.outcome is Outcome.WARN:
            notes[item.objects[0]] += 1
            if item.objects[0] in failing or notes[item.objects[0]] > _MOST_NOTES:
                continue
        yield item


@dataclass(frozen=True, slots=True)
class _MtlsOfDestinationRules:
    name: str = "mtls-destination-rules"
    description: str = "What DestinationRules say about TLS is what their servers understand."
    inputs: tuple[str, ...] = (
        DESTINATION_RULE.input,
        PEER_AUTHENTICATION.input,
        SERVICE.input,
        POD.input,
        PROXY_CONFIG,
        PROXY_LOG,
    )
    codes: tuple[str, ...] = tuple(_CHECKS)

    def analyze(self, mesh: Snapshot) -> Iterable[Finding]:
        """Judge every encounter of clients and servers, one finding a code."""
        needs = mesh.catalog.unread(*_NEEDED)
        if needs:
            text = "Which DestinationRule meets which pods cannot be told"
            return [
                Finding(code, MESH_SUBJECT, Outcome.UNKNOWN, text, "mesh", needs=needs)
                for code in _CHECKS
            ]
        by_subject: dict[str, list[Encounter]] = {}
        # What a rule sets tells more than that others set nothing.
        for meeting in sorted(encounters(mesh), key=lambda item: item.tls.setting is None):
            by_subject.setdefault(meeting.subject, []).append(meeting)
        return list(
            _worth_saying(
                finding
                for meetings in by_subject.values()
                for code in _CHECKS
                for finding in _worst_first(_judge(mesh, code, item) for item in meetings)
                if finding.outcome is not Outcome.PASS or _is_of_interest(meetings)
            )
        )


ANALYZER = _MtlsOfDestinationRules()

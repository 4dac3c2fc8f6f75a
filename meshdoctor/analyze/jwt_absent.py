"""Calls that an ALLOW rule would match, or a DENY rule would spare, if they carried a token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.authorization_denials import Denial, Reason
from meshdoctor.analyze.authorization_judging import INPUTS, Question, judge
from meshdoctor.analyze.authorization_words import (
    affected,
    callers_text,
    denied_fact,
    fills,
    save_and_edit,
)
from meshdoctor.analyze.base import holds
from meshdoctor.intent.authorization import action_of, rules_of
from meshdoctor.model.finding import Finding, Outcome
from meshdoctor.model.kinds import REQUEST_AUTHENTICATION
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from meshdoctor.analyze.authorization_workloads import Governed
    from meshdoctor.model.snapshot import Snapshot

TOKEN_ABSENT = "MD0710"


def issuers(item: Governed) -> tuple[str, ...]:
    """The issuers whose tokens a workload takes."""
    return tuple(
        dict.fromkeys(
            str(as_mapping(rule).get("issuer") or "")
            for policy in item.authentications
            for rule in as_list(policy.spec.get("jwtRules"))
        )
    )


def _refused(mesh: Snapshot, item: Governed, found: Sequence[Denial]) -> Finding:
    policy, fields = found[0].nearest
    authentication = item.authentications[-1]
    who = callers_text(mesh, found)
    wanted = ", ".join(dict.fromkeys(value for field in fields for value in field.wanted)) or "*"
    suffer = affected(mesh, found)
    does = "turns away calls without" if action_of(policy) == "DENY" else "lets in only calls with"
    text = f"{policy} {does} a token (requestPrincipals or claims: {wanted})"
    checked = f"{authentication} checks tokens, but lets calls without one pass to the rules"
    edit, undo = save_and_edit(policy)
    return Finding(
        code=TOKEN_ABSENT,
        subject=item.subject,
        outcome=Outcome.FAIL,
        message=f"{policy} demands a token of whoever calls {item.workload}; {who} sends none",
        resource=str(policy),
        objects=(str(policy), *map(str, item.authentications))[:6],
        facts=(
            holds("policy-demands-token", text, *(policy.evidence(*f.path) for f in fields[:2])),
            holds(
                "token-is-checked",
                checked,
                authentication.evidence("spec", "jwtRules", 0, "issuer"),
            ),
            denied_fact(found),
        ),
        affected=suffer,
        fills={
            **fills(mesh, item, policy, suffer[0].to),
            "who": who,
            "authentication": str(authentication),
            "issuers": ", ".join(issuers(item)),
            "wanted": wanted,
            "edit": edit,
            "undo_edit": undo,
        },
    )


_WORDS = {
    "ALLOW": ("requestPrincipals", "request.auth."),
    "DENY": ("notRequestPrincipals", "notValues"),
}
"""By which words the rules of an action may ask for a token."""


def _demands_token(item: Governed) -> bool:
    return bool(item.authentications) and any(
        word in str(rule)
        for policy in item.policies
        for rule in rules_of(policy)
        for word in _WORDS.get(action_of(policy), ())
    )


QUESTION = Question(
    TOKEN_ABSENT,
    Reason.TOKEN,
    _refused,
    lambda _mesh, _item: None,
    _demands_token,
    "nobody was turned away for want of a token",
)


@dataclass(frozen=True, slots=True)
class _TokenAbsent:
    name: str = "jwt-absent"
    description: str = "Where a rule demands a token, callers send one."
    inputs: tuple[str, ...] = (*INPUTS, REQUEST_AUTHENTICATION.input)
    codes: tuple[str, ...] = (TOKEN_ABSENT,)

    def analyze(self, mesh: Snapshot) -> Iterable[Finding]:
        """Judge every governed workload."""
        return judge(mesh, QUESTION)


ANALYZER = _TokenAbsent()

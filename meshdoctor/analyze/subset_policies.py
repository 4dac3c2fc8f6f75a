"""Whether requests ever meet the traffic policy of a subset: some route must lead to the subset.

Without one they go to the host as a whole, whose cluster knows nothing of the subset's policy
(istio.io, traffic management problems, "Route rules don't seem to affect traffic flow").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import destination_subject, holds
from meshdoctor.intent.destination_rules import rule_host, subsets_of
from meshdoctor.intent.destinations import destination_routes
from meshdoctor.model.finding import Finding, Outcome, Severity
from meshdoctor.model.kinds import DESTINATION_RULE, SERVICE, VIRTUAL_SERVICE
from meshdoctor.model.resource import as_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.snapshot import Snapshot

NEVER_MET = "MD0137"


@dataclass(frozen=True, slots=True)
class SubsetPolicies:
    """Every subset's traffic policy is met by some requests."""

    name: str = "subset-policies"
    description: str = "Some route leads to every subset that has a traffic policy of its own."
    inputs: tuple[str, ...] = (DESTINATION_RULE.input, VIRTUAL_SERVICE.input, SERVICE.input)
    codes: tuple[str, ...] = (NEVER_MET,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """Look at every subset of every rule for a host that is known."""
        if not mesh.catalog.known(VIRTUAL_SERVICE):
            return
        routed = {(r.destination.host, r.destination.subset) for r in destination_routes(mesh)}
        for rule in mesh.catalog.of(DESTINATION_RULE):
            host = rule_host(rule, mesh)
            for subset in subsets_of((rule,)):
                policy = rule.get(*subset.path, "trafficPolicy")
                if not as_mapping(policy) or (host, subset.name) in routed:
                    continue
                if not mesh.registry.find(host):
                    continue
                text = (
                    f"{rule} sets a policy for subset {subset.name} of {host}, and no route leads "
                    "to that subset: requests to the host as a whole do not meet it"
                )
                yield Finding(
                    code=NEVER_MET,
                    subject=destination_subject(host, None),
                    outcome=Outcome.WARN,
                    message=text,
                    resource=str(rule),
                    objects=(str(rule),),
                    facts=(holds("no-route-to-subset", text, rule.evidence(*subset.path, "name")),),
                    severity=Severity.INFO,
                    root=False,
                )


ANALYZER = SubsetPolicies()

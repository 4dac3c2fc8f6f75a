"""Says which part of the mesh is not looked at: silence about ambient must not pass for health."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import holds, namespace_subject
from meshdoctor.model.finding import Finding, Outcome
from meshdoctor.model.kinds import NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshdoctor.model.snapshot import Snapshot

NOT_EXAMINED = "MD0500"
_MODE = "istio.io/dataplane-mode"


@dataclass(frozen=True, slots=True)
class AmbientCoverage:
    """Notes the namespaces whose traffic goes through ztunnel."""

    name: str = "ambient-coverage"
    description: str = "every part of the mesh is examined"
    inputs: tuple[str, ...] = (NAMESPACE.input,)
    codes: tuple[str, ...] = (NOT_EXAMINED,)

    def analyze(self, mesh: Snapshot) -> Iterable[Finding]:
        """One note a namespace in ambient mode."""
        for namespace in mesh.catalog.of(NAMESPACE):
            if namespace.labels.get(_MODE) != "ambient":
                continue
            message = (
                f"Namespace {namespace.name} is in ambient mode; its injection is judged, but its "
                "ztunnels and waypoints are not examined yet"
            )
            yield Finding(
                code=NOT_EXAMINED,
                subject=namespace_subject(namespace.name),
                outcome=Outcome.WARN,
                message=message,
                resource=str(namespace),
                facts=(
                    holds("is-ambient", message, namespace.evidence("metadata", "labels", _MODE)),
                ),
                root=False,
            )


ANALYZER = AmbientCoverage()

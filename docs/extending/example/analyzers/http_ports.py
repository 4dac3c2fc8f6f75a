"""Services without a port that Istio takes for HTTP: what CEL would make long-winded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import holds
from meshdoctor.model.finding import Finding, Outcome
from meshdoctor.model.kinds import SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.snapshot import Snapshot

_HTTP = ("http", "http2", "grpc")


@dataclass(frozen=True, slots=True)
class HttpPortsAnalyzer:
    """A pure function of the Snapshot, as meshdoctor's own are."""

    name: str = "team-http-ports"
    description: str = "Every Service has a port that Istio takes for HTTP."
    inputs: tuple[str, ...] = (SERVICE.input,)
    codes: tuple[str, ...] = ("TEAM101",)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """Look at the names of ports."""
        for service in mesh.catalog.of(SERVICE):
            ports = service.spec.get("ports") or []
            names = [str(port.get("appProtocol") or port.get("name") or "") for port in ports]
            if any(name.split("-")[0] in _HTTP for name in names):
                continue
            text = f"{service} has no port that is named for HTTP"
            fact = holds("no-http-port", text, service.evidence("metadata", "name"))
            yield Finding(
                "TEAM101", f"object {service}", Outcome.FAIL, text, str(service), facts=(fact,)
            )


ANALYZER = HttpPortsAnalyzer()

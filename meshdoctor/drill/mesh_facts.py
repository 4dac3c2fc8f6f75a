"""What a played mesh does besides requests: who may connect, what is taken, who is trusted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from meshdoctor.diagnose.scope_error import ScopeError
from meshdoctor.drill.conditions import Verdict
from meshdoctor.drill.refusing import refused_filters
from meshdoctor.drill.targets import Target, parse_target
from meshdoctor.intent.injection_webhooks import injection_webhooks
from meshdoctor.intent.network_policies import Verdict as Passage
from meshdoctor.intent.network_policies import decide
from meshdoctor.intent.webhook_trust import Trust, entry_trust
from meshdoctor.model.kinds import POD
from meshdoctor.model.pod import has_proxy, is_finished
from meshdoctor.views.trace_request import find_client

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.model.snapshot import Snapshot

KINDS = ("connection", "accepted", "trusted")


@dataclass(frozen=True, slots=True)
class MeshFact:
    """One fact of the mesh; the kind says which of the settings count."""

    kind: str
    """connection, accepted or trusted."""
    target: Target | None = None
    """Of the last two: which objects are meant."""
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def holds(self, mesh: Snapshot) -> Verdict | None:
        """Decide; None where it cannot be told.

        Args:
            mesh: as it stands.
        """
        if self.target is None:
            return self._connects(mesh)
        return (
            _accepted(mesh, self.target) if self.kind == "accepted" else _trusted(mesh, self.target)
        )

    def _connects(self, mesh: Snapshot) -> Verdict | None:
        """Whether NetworkPolicies let one pod connect to a port of another."""
        given = self.settings
        try:
            source, target = (
                find_client(mesh, given[end]["pod"], "", (given[end]["namespace"],))
                for end in ("from", "to")
            )
        except ScopeError as error:
            return Verdict(False, str(error))
        port = given["to"]["port"]
        decision = decide(mesh, source, target, port)
        if decision.verdict is Passage.UNKNOWN:
            return None
        passes = decision.verdict is not Passage.BLOCKED
        word = "let" if passes else "do not let"
        said = f"NetworkPolicies {word} {source.name} connect to port {port} of {target.name}"
        return Verdict(passes == given.get("allowed", True), said)


def _accepted(mesh: Snapshot, target: Target) -> Verdict:
    """Whether no EnvoyFilter makes a proxy refuse its listeners."""
    for pod in mesh.catalog.of(POD):
        if not has_proxy(pod) or is_finished(pod):
            continue
        for item, lacking in refused_filters(mesh, pod):
            if target.covers(item.namespace, item.name):
                said = f"the proxy of {pod.name} refuses {item}: its filter lacks {lacking}"
                return Verdict(False, said)
    return Verdict(True, "every proxy takes what EnvoyFilters make of its listeners")


def _trusted(mesh: Snapshot, target: Target) -> Verdict | None:
    """Whether the API server can trust what answers every entry of the webhooks."""
    entries = [
        entry
        for entry in injection_webhooks(mesh)
        if target.covers("", entry.configuration.name) and entry.service is not None
    ]
    if not entries:
        return Verdict(False, f"{target} injects nothing")
    for entry in entries:
        trust = entry_trust(mesh, entry)
        if trust is Trust.UNKNOWN:
            return None
        if trust is not Trust.MATCH:
            word = "is empty" if trust is Trust.EMPTY else "is not the mesh's root"
            return Verdict(False, f"the caBundle of {entry.name} {word}")
    return Verdict(True, f"every caBundle of {target} is the mesh's root")


def parse_fact(document: Mapping[str, Any]) -> MeshFact:
    """Read a fact of a drill's YAML: the key that names its kind holds its settings.

    Raises:
        TargetError: it names no object.
    """
    kind = next(one for one in KINDS if one in document)
    body = document[kind]
    if kind == "connection":
        return MeshFact(kind, settings=body)
    return MeshFact(kind, parse_target(str(body["object"])))

"""What is said of a call that REGISTRY_ONLY refuses, and the commands that let it out."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from meshdoctor.analyze.destination_findings import command_target
from meshdoctor.analyze.near_entries import Near, port_name, protocol_of

if TYPE_CHECKING:
    from meshdoctor.analyze.client_attempts import Attempt
    from meshdoctor.intent.sidecar_scope import OutboundMode
    from meshdoctor.model.snapshot import Snapshot

NOT_DECLARED = "MD0152"
"""A client calls a host that no registry has, and REGISTRY_ONLY refuses it."""
NEARLY = "MD0153"
"""The same, and a ServiceEntry nearly fits."""
_ADDRESS = re.compile(r"[0-9.]+|[0-9a-f:]*:[0-9a-f:]*")


def mode_object(mode: OutboundMode) -> str:
    """The object that sets the outbound mode, in its text form."""
    return str(mode.sidecar) if mode.sidecar is not None else mode.config.name


def _entry(attempt: Attempt) -> tuple[str, str]:
    """The command that declares the host, and the one that takes it back."""
    namespace = attempt.pod.namespace
    port = {"number": attempt.port, "name": port_name(attempt), "protocol": protocol_of(attempt)}
    name = re.sub(r"[^a-z0-9-]+", "-", attempt.host.lower()).strip("-")[:60] or "outside"
    spec: dict[str, object] = {
        "hosts": [attempt.host],
        "location": "MESH_EXTERNAL",
        "resolution": "DNS",
        "ports": [port],
        "exportTo": ["."],
    }
    if _ADDRESS.fullmatch(attempt.host):
        spec |= {"hosts": [f"{name}.outside"], "addresses": [attempt.host], "resolution": "NONE"}
    document = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "ServiceEntry",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }
    return (
        f"kubectl apply -f - <<'EOF'\n{json.dumps(document)}\nEOF",
        f"kubectl delete serviceentries.networking.istio.io {name} -n {namespace}",
    )


def fills_of(
    mesh: Snapshot, attempt: Attempt, mode: OutboundMode, near: Near | None
) -> dict[str, str]:
    """Words for the cause's templates."""
    workload = str(mesh.workloads.owning(attempt.pod))
    command, undo = (near.command, near.undo) if near else _entry(attempt)
    if near is not None:
        missing = f"{near.text}, so that no registry has what is called"
        act = f"Correct {near.entry}."
        changes = f"{near.entry} fits what {workload} calls; what it had before is gone."
    else:
        missing = f"no Service and no ServiceEntry has {attempt.host}"
        act = f"Declare {attempt.host} in a ServiceEntry."
        changes = f"Proxies of namespace {attempt.pod.namespace} may reach {attempt.to}."
    return {
        "destination": attempt.to,
        "host": attempt.host,
        "client": workload,
        "caller": command_target(workload),
        "mode": mode_object(mode),
        "mode_command": command_target(mode_object(mode)),
        "missing": missing,
        "act": act,
        "command": command,
        "changes": changes,
        "undo": undo,
    }

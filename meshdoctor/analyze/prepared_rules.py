"""Rules prepared for a host that is not there yet: nobody can call it, so nobody suffers.

A sidecar gives a VirtualService's host a virtual host of its own even where no registry has it
(pilot/pkg/networking/core/route, ``buildSidecarVirtualHostsForVirtualService``); but a name of
the cluster's own domain resolves only where a Service has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.analyze.access_logs import access_logs
from meshdoctor.model.envoy.names import parse_cluster_name
from meshdoctor.model.kinds import SERVICE, SERVICE_ENTRY

if TYPE_CHECKING:
    from meshdoctor.analyze.destinations_in_use import Use
    from meshdoctor.intent.destinations import DestinationRoute
    from meshdoctor.model.snapshot import Snapshot

PREPARED = "; no registry has the host that the rule is for either, and no call to it was seen"
"""What is added to the message of such a finding."""


def _is_called(mesh: Snapshot, host: str) -> bool:
    """Whether any proxy's log shows a call to a host, by whichever subset, or without cluster."""
    logs = access_logs(mesh)
    names = (parse_cluster_name(cluster) for cluster in logs.outbound)
    if any(name is not None and name.host == host for name in names):
        return True
    # Of a host that no registry has the log keeps the name as the caller wrote it.
    return any(name == host or host.startswith(f"{name}.") for name in logs.without_cluster if name)


def _nobody_calls(mesh: Snapshot, use: Use, host: str) -> bool:
    if "*" in host or mesh.registry.find(host) or _is_called(mesh, host):
        return False
    if host.endswith(f".{mesh.registry.domain}"):
        return True
    # Any other name may resolve outside the cluster: only complete logs tell that nobody calls.
    return use.watched


def _is_for_nobody(mesh: Snapshot, use: Use, route: DestinationRoute) -> bool:
    binding = route.binding
    if not binding.in_mesh or binding.gateways or not binding.hosts:
        return False
    return all(_nobody_calls(mesh, use, host) for host in binding.hosts)


def is_prepared(mesh: Snapshot, use: Use) -> bool:
    """Whether every route to a destination is of a mesh rule for hosts that nobody can call.

    Never so while Services or ServiceEntries are not known, nor for a rule that a Gateway holds:
    there the host is the client's word.
    """
    if not use.routes or use.calls or use.ejections:
        return False
    if not mesh.catalog.known(SERVICE, SERVICE_ENTRY):
        return False
    return all(_is_for_nobody(mesh, use, route) for route in use.routes)

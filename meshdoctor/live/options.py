"""What a person may ask of a live read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import timedelta


@dataclass(frozen=True, slots=True)
class ClusterOptions:
    """Which cluster, and as whom: kubectl's own flags."""

    kubeconfig: str | None = None
    """A path, or several joined as in KUBECONFIG; None for what kubectl would take."""
    context: str | None = None
    as_user: str | None = None
    as_groups: tuple[str, ...] = ()
    as_uid: str | None = None
    request_timeout: float = 20.0
    """Seconds for one request."""


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """Which cluster, and how much of it."""

    cluster: ClusterOptions = ClusterOptions()
    namespaces: tuple[str, ...] = ()
    """Read only the proxies of these namespaces, and gateways; empty for all."""
    selector: str | None = None
    """Read only the proxies of pods with these labels, written as kubectl's ``-l``."""
    source: str | None = None
    """The caller in question: ``pod[.namespace]`` or ``deploy/name``."""
    to: str | None = None
    """The destination in question: ``host[:port]``."""
    pod: str | None = None
    """Read the proxy of this pod or workload only."""
    istio_namespace: str | None = None
    revision: str | None = None
    max_proxies: int | None = None
    timeout: float | None = None
    """Seconds for everything; what was read by then is used."""
    concurrency: int = 32
    """Requests in flight at most."""
    logs: bool = True
    logs_since: timedelta | None = None
    port_forward: bool = True
    """False: ask through exec only."""
    proxies: bool = True
    """False: objects and istiod only."""
    size_limit: int = 1024 * 1024 * 1024
    """Bytes of a recording before compression; past it files are left out and named."""
    replace: bool = False
    """Whether a recording may replace what is at its path."""

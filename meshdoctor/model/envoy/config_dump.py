"""What one proxy holds: Envoy's config dump, reduced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshdoctor.model.envoy.bootstrap import Bootstrap
    from meshdoctor.model.envoy.cluster import Cluster
    from meshdoctor.model.envoy.endpoint import ClusterLoadAssignment
    from meshdoctor.model.envoy.listener import Listener
    from meshdoctor.model.envoy.route import RouteConfig
    from meshdoctor.model.envoy.secret import Secret

BOOTSTRAP = "BootstrapConfigDump"
CLUSTERS = "ClustersConfigDump"
LISTENERS = "ListenersConfigDump"
ROUTES = "RoutesConfigDump"
ENDPOINTS = "EndpointsConfigDump"
SECRETS = "SecretsConfigDump"
ECDS = "EcdsConfigDump"


@dataclass(frozen=True, slots=True)
class ExtensionConfig:
    """A filter delivered by ECDS."""

    name: str
    type_url: str
    """Type of its configuration; empty when none is held."""
    error: str
    """Why the last update was refused; empty when it was not."""
    version: str
    pointer: str


class _Named(Protocol):
    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=_Named)


def _by_name(items: Iterable[N]) -> dict[str, N]:
    index: dict[str, N] = {}
    for item in items:
        index.setdefault(item.name, item)
    return index


@dataclass(frozen=True, slots=True)
class ConfigDump:
    """One proxy's configuration. Lists keep the file's order; lookups are by name."""

    bootstrap: Bootstrap | None
    clusters: tuple[Cluster, ...]
    """Active, then static, then warming."""
    listeners: tuple[Listener, ...]
    routes: tuple[RouteConfig, ...]
    """Dynamic (RDS), then static; inline ones are in their filter chains too."""
    endpoints: tuple[ClusterLoadAssignment, ...]
    secrets: tuple[Secret, ...]
    ecds: tuple[ExtensionConfig, ...]
    sections: tuple[str, ...]
    """Types present, e.g. ``ClustersConfigDump``, whether readable or not."""
    errors: tuple[str, ...]
    """Parts that could not be read: ``<pointer>: <why>``."""
    versions: Mapping[str, str]
    """``version_info`` of the sections that have one."""
    updated: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), compare=False)
    """When the newest entry of each section came; listeners and secrets also by name (RFC 3339)."""
    _shared: object = field(default=None, repr=False, compare=False)
    """Keeps alive what the proxies of a recording have in common, as long as one of them lives."""
    _clusters: dict[str, Cluster] = field(init=False, repr=False, compare=False)
    _routes: dict[str, RouteConfig] = field(init=False, repr=False, compare=False)
    _endpoints: dict[str, ClusterLoadAssignment] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index what is looked up most."""
        object.__setattr__(self, "_clusters", _by_name(self.clusters))
        object.__setattr__(self, "_routes", _by_name(self.routes))
        by_cluster: dict[str, ClusterLoadAssignment] = {}
        for item in self.endpoints:
            by_cluster.setdefault(item.cluster_name, item)
        object.__setattr__(self, "_endpoints", by_cluster)

    def has(self, section: str) -> bool:
        """Whether the dump holds a section, e.g. ``EndpointsConfigDump``."""
        return section in self.sections

    def cluster(self, name: str) -> Cluster | None:
        """The cluster of that name; the one that serves when another is still warming."""
        return self._clusters.get(name)

    def route_config(self, name: str) -> RouteConfig | None:
        """The RouteConfiguration of that name; dynamic before static."""
        return self._routes.get(name)

    def load_assignment(self, cluster: str) -> ClusterLoadAssignment | None:
        """Endpoints of a cluster; None when the dump has none under that name."""
        found = self._endpoints.get(cluster)
        if found is None and (named := self._clusters.get(cluster)) and named.eds_service_name:
            return self._endpoints.get(named.eds_service_name)
        return found

    def listener(self, name: str) -> Listener | None:
        """The listener of that name; one that serves before one that does not."""
        order = ("active", "static", "warming", "draining", "failed")
        found = [item for item in self.listeners if item.name == name]
        return min(found, key=lambda item: order.index(item.state), default=None)

    def secret(self, name: str) -> Secret | None:
        """The secret of that name; an active one before a warming one."""
        found = [item for item in self.secrets if item.name == name]
        return min(found, key=lambda item: item.state == "warming", default=None)

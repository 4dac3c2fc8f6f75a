"""Services by host: what istiod's service registry would hold, from the objects alone."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.model.kinds import SERVICE, SERVICE_ENTRY
from meshdoctor.model.resource import as_list, as_mapping, as_strings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.model.catalog import Catalog
    from meshdoctor.model.resource import Resource

DEFAULT_DOMAIN = "cluster.local"


@dataclass(frozen=True, slots=True)
class ServicePort:
    """One port of a service."""

    number: int
    name: str
    protocol: str
    """The declared protocol: a ServiceEntry's, or TCP/UDP of a Service."""
    app_protocol: str
    target: int | str
    """``targetPort``: a number, or the name of a container port."""
    index: int
    """Place in ``spec.ports``."""


@dataclass(frozen=True, slots=True)
class ServiceHost:
    """One host name that a Service or ServiceEntry puts into the registry."""

    host: str
    namespace: str
    resource: Resource
    ports: tuple[ServicePort, ...]
    selector: Mapping[str, str]
    """Pod labels; empty when the service selects none by itself."""

    @property
    def is_kubernetes(self) -> bool:
        """Whether a Kubernetes Service is behind it (not a ServiceEntry)."""
        return self.resource.kind is SERVICE

    @property
    def is_headless(self) -> bool:
        """Whether the Service has no cluster IP: Envoy goes to the original destination."""
        return self.is_kubernetes and self.resource.spec.get("clusterIP") == "None"

    @property
    def is_external_name(self) -> bool:
        """Whether the Service is an alias of a DNS name."""
        return self.is_kubernetes and self.resource.spec.get("type") == "ExternalName"

    def port(self, number: int) -> ServicePort | None:
        """The port with this number."""
        return next((port for port in self.ports if port.number == number), None)


def _ports(resource: Resource) -> tuple[ServicePort, ...]:
    ports: list[ServicePort] = []
    for index, item in enumerate(as_list(resource.spec.get("ports"))):
        port = as_mapping(item)
        number = port.get("port", port.get("number"))
        if not isinstance(number, int):
            continue
        target = port.get("targetPort")
        ports.append(
            ServicePort(
                number=number,
                name=str(port.get("name") or ""),
                protocol=str(port.get("protocol") or "TCP"),
                app_protocol=str(port.get("appProtocol") or ""),
                # An absent targetPort means the same number (core/v1 ServicePort).
                target=target if isinstance(target, int | str) and target else number,
                index=index,
            )
        )
    return tuple(ports)


def _of_service(service: Resource, domain: str) -> ServiceHost:
    return ServiceHost(
        host=f"{service.name}.{service.namespace}.svc.{domain}",
        namespace=service.namespace,
        resource=service,
        ports=_ports(service),
        selector=as_strings(service.spec.get("selector")),
    )


def _of_entry(entry: Resource) -> list[ServiceHost]:
    selector = as_strings(entry.get("spec", "workloadSelector", "labels"))
    return [
        ServiceHost(host, entry.namespace, entry, _ports(entry), selector)
        for host in as_list(entry.spec.get("hosts"))
        if isinstance(host, str)
    ]


@dataclass(frozen=True, slots=True)
class Registry:
    """Every host name of the mesh."""

    domain: str
    _by_host: Mapping[str, tuple[ServiceHost, ...]]

    @classmethod
    def build(cls, catalog: Catalog, domain: str = DEFAULT_DOMAIN) -> Registry:
        """Collect the hosts of Services and ServiceEntries."""
        hosts: dict[str, list[ServiceHost]] = defaultdict(list)
        for service in catalog.of(SERVICE):
            host = _of_service(service, domain)
            hosts[host.host].append(host)
        for entry in catalog.of(SERVICE_ENTRY):
            for host in _of_entry(entry):
                hosts[host.host].append(host)
        return cls(domain, {name: tuple(items) for name, items in hosts.items()})

    @property
    def hosts(self) -> tuple[ServiceHost, ...]:
        """Every host, by name."""
        return tuple(item for name in sorted(self._by_host) for item in self._by_host[name])

    def find(self, host: str) -> tuple[ServiceHost, ...]:
        """What answers to this name: exact hosts, else the longest wildcard that covers it."""
        if host in self._by_host:
            return self._by_host[host]
        labels = host.split(".")
        for start in range(1, len(labels)):
            found = self._by_host.get("*." + ".".join(labels[start:]))
            if found:
                return found
        return ()

    def service(self, host: str) -> ServiceHost | None:
        """The Kubernetes Service behind a host."""
        return next((item for item in self.find(host) if item.is_kubernetes), None)

    def resolve(self, host: str, namespace: str) -> str:
        """A host as a rule in this namespace means it.

        A name without a dot is completed with the rule's own namespace; any other name is taken
        as it stands (pkg/config/resource and pilot ResolveShortnameToFQDN).
        """
        if "." in host or host.startswith("*"):
            return host
        return f"{host}.{namespace}.svc.{self.domain}"

"""Secrets and ConfigMaps: only those that mesh objects name are ever read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from meshdoctor.model.pod import is_gateway
from meshdoctor.model.resource import as_list, as_mapping, as_strings
from meshdoctor.model.selector import matches_labels

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from meshdoctor.model.resource import Resource

ROOT_CONFIG_MAP = "istio-ca-root-cert"
"""What istiod writes into every namespace: the root that proxies there trust."""
CONFIG_MAP_PREFIXES = ("istio", "values")
"""MeshConfig (``istio[-rev]``), the injector's and istiod's own state, Helm values."""
AUTHORITY_SECRETS = ("cacerts", "istio-ca-secret")
"""The CA's own: plugged in, or made by istiod itself."""
_CA_SUFFIX = "-cacert"

Name = tuple[str, str]
"""Namespace and name."""


@dataclass(frozen=True, slots=True)
class Naming:
    """Objects that name Secrets, as far as they could be read."""

    pods: Sequence[Resource] = ()
    gateways: Sequence[Resource] = ()
    """Istio's."""
    destination_rules: Sequence[Resource] = ()
    kubernetes_gateways: Sequence[Resource] = ()
    istio_namespaces: Sequence[str] = field(default=("istio-system",))


def is_wanted_config_map(namespace: str, name: str, istio_namespaces: Iterable[str]) -> bool:
    """Whether a ConfigMap is Istio's own."""
    if name == ROOT_CONFIG_MAP:
        return True
    return namespace in istio_namespaces and name.startswith(CONFIG_MAP_PREFIXES)


def _gateway_credentials(gateway: Resource) -> Iterator[str]:
    for server in map(as_mapping, as_list(gateway.spec.get("servers"))):
        tls = as_mapping(server.get("tls"))
        names = [tls.get("credentialName"), *as_list(tls.get("credentialNames"))]
        yield from (name for name in names if isinstance(name, str) and name)


def _gateway_names(gateway: Resource, pods: Iterable[Resource]) -> Iterator[Name]:
    """A server's credential is looked up where the gateway's *pods* are, not where it is."""
    selector = as_strings(gateway.spec.get("selector"))
    namespaces = {
        pod.namespace for pod in pods if is_gateway(pod) and matches_labels(selector, pod.labels)
    }
    for credential in _gateway_credentials(gateway):
        for namespace in (gateway.namespace, *sorted(namespaces)):
            yield from _with_authority(namespace, credential)


def _with_authority(namespace: str, credential: str) -> Iterator[Name]:
    if "://" in credential:
        scheme, _, rest = credential.partition("://")
        if not scheme.startswith("kubernetes"):
            return
        credential = rest
    place, slash, name = credential.partition("/")
    namespace, credential = (place, name) if slash else (namespace, credential)
    yield namespace, credential
    if not credential.endswith(_CA_SUFFIX):
        yield namespace, credential + _CA_SUFFIX


def _rule_credentials(rule: Resource) -> Iterator[str]:
    policies = [as_mapping(rule.spec.get("trafficPolicy"))]
    policies += [
        as_mapping(as_mapping(subset).get("trafficPolicy"))
        for subset in as_list(rule.spec.get("subsets"))
    ]
    for policy in policies:
        ports = map(as_mapping, as_list(policy.get("portLevelSettings")))
        for settings in (policy, *ports):
            name = as_mapping(settings.get("tls")).get("credentialName")
            if isinstance(name, str) and name:
                yield name


def _rule_names(rule: Resource, pods: Iterable[Resource]) -> Iterator[Name]:
    """A DestinationRule's credential is looked up where the calling proxies are."""
    selector = as_strings(as_mapping(rule.spec.get("workloadSelector")).get("matchLabels"))
    callers = {rule.namespace} | {pod.namespace for pod in pods if is_gateway(pod)}
    for credential in _rule_credentials(rule):
        for namespace in (rule.namespace,) if selector else sorted(callers):
            yield from _with_authority(namespace, credential)


def _kubernetes_gateway_names(gateway: Resource) -> Iterator[Name]:
    for listener in map(as_mapping, as_list(gateway.spec.get("listeners"))):
        tls = as_mapping(listener.get("tls"))
        front = as_mapping(tls.get("frontendValidation"))
        refs = (*as_list(tls.get("certificateRefs")), *as_list(front.get("caCertificateRefs")))
        for ref in map(as_mapping, refs):
            name = ref.get("name")
            if ref.get("kind", "Secret") == "Secret" and isinstance(name, str):
                namespace = ref.get("namespace")
                yield (namespace if isinstance(namespace, str) else gateway.namespace), name


def wanted_secrets(naming: Naming) -> tuple[Name, ...]:
    """The Secrets that mesh objects name, and those that hold the CA's certificate.

    Args:
        naming: the objects.

    Returns:
        Namespace and name of each, sorted; whether they exist is another matter.
    """
    names = {
        (namespace, name) for namespace in naming.istio_namespaces for name in AUTHORITY_SECRETS
    }
    for gateway in naming.gateways:
        names.update(_gateway_names(gateway, naming.pods))
    for rule in naming.destination_rules:
        names.update(_rule_names(rule, naming.pods))
    for gateway in naming.kubernetes_gateways:
        names.update(_kubernetes_gateway_names(gateway))
    return tuple(sorted(names))

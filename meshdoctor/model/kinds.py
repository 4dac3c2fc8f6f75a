"""The kinds of object meshdoctor reads, and where a recording keeps them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of Kubernetes or Istio object."""

    name: str
    """Kubernetes' own word, as in ``Kind namespace/name``."""
    group: str
    """API group; ``core`` for the legacy group."""
    plural: str
    custom: bool = False
    """Defined by a CRD: absent from the CRD list means not installed."""
    needed: bool = True
    """Some analyzer asks for it: unread makes conclusions unknown."""

    @property
    def input(self) -> str:
        """The name under which analyzers declare this kind as an input."""
        return f"kubernetes/{self.group}/{self.plural}"

    @property
    def crd(self) -> str:
        """Name of the CustomResourceDefinition that defines it."""
        return f"{self.plural}.{self.group}"


NAMESPACE = Kind("Namespace", "core", "namespaces")
POD = Kind("Pod", "core", "pods")
SERVICE = Kind("Service", "core", "services")
EVENT = Kind("Event", "core", "events")
NODE = Kind("Node", "core", "nodes", needed=False)
CONFIG_MAP = Kind("ConfigMap", "core", "configmaps")
SECRET = Kind("Secret", "core", "secrets", needed=False)
ENDPOINTS = Kind("Endpoints", "core", "endpoints", needed=False)
SERVICE_ACCOUNT = Kind("ServiceAccount", "core", "serviceaccounts", needed=False)
RESOURCE_QUOTA = Kind("ResourceQuota", "core", "resourcequotas", needed=False)
LIMIT_RANGE = Kind("LimitRange", "core", "limitranges", needed=False)
ENDPOINT_SLICE = Kind("EndpointSlice", "discovery.k8s.io", "endpointslices")
DEPLOYMENT = Kind("Deployment", "apps", "deployments")
REPLICA_SET = Kind("ReplicaSet", "apps", "replicasets")
STATEFUL_SET = Kind("StatefulSet", "apps", "statefulsets")
DAEMON_SET = Kind("DaemonSet", "apps", "daemonsets")
JOB = Kind("Job", "batch", "jobs", needed=False)
HORIZONTAL_POD_AUTOSCALER = Kind(
    "HorizontalPodAutoscaler", "autoscaling", "horizontalpodautoscalers", needed=False
)
NETWORK_POLICY = Kind("NetworkPolicy", "networking.k8s.io", "networkpolicies")
MUTATING_WEBHOOK = Kind(
    "MutatingWebhookConfiguration", "admissionregistration.k8s.io", "mutatingwebhookconfigurations"
)
VALIDATING_WEBHOOK = Kind(
    "ValidatingWebhookConfiguration",
    "admissionregistration.k8s.io",
    "validatingwebhookconfigurations",
    needed=False,
)
CRD = Kind(
    "CustomResourceDefinition",
    "apiextensions.k8s.io",
    "customresourcedefinitions",
    needed=False,
)
VIRTUAL_SERVICE = Kind("VirtualService", "networking.istio.io", "virtualservices", custom=True)
DESTINATION_RULE = Kind("DestinationRule", "networking.istio.io", "destinationrules", custom=True)
GATEWAY = Kind("Gateway", "networking.istio.io", "gateways", custom=True)
SERVICE_ENTRY = Kind("ServiceEntry", "networking.istio.io", "serviceentries", custom=True)
SIDECAR = Kind("Sidecar", "networking.istio.io", "sidecars", custom=True)
ENVOY_FILTER = Kind("EnvoyFilter", "networking.istio.io", "envoyfilters", custom=True)
WORKLOAD_ENTRY = Kind("WorkloadEntry", "networking.istio.io", "workloadentries", custom=True)
WORKLOAD_GROUP = Kind(
    "WorkloadGroup", "networking.istio.io", "workloadgroups", custom=True, needed=False
)
PROXY_CONFIG = Kind("ProxyConfig", "networking.istio.io", "proxyconfigs", custom=True, needed=False)
PEER_AUTHENTICATION = Kind(
    "PeerAuthentication", "security.istio.io", "peerauthentications", custom=True
)
REQUEST_AUTHENTICATION = Kind(
    "RequestAuthentication",
    "security.istio.io",
    "requestauthentications",
    custom=True,
)
AUTHORIZATION_POLICY = Kind(
    "AuthorizationPolicy", "security.istio.io", "authorizationpolicies", custom=True
)
TELEMETRY = Kind("Telemetry", "telemetry.istio.io", "telemetries", custom=True, needed=False)
WASM_PLUGIN = Kind("WasmPlugin", "extensions.istio.io", "wasmplugins", custom=True, needed=False)
KUBERNETES_GATEWAY = Kind(
    "Gateway", "gateway.networking.k8s.io", "gateways", custom=True, needed=False
)
GATEWAY_CLASS = Kind(
    "GatewayClass", "gateway.networking.k8s.io", "gatewayclasses", custom=True, needed=False
)
HTTP_ROUTE = Kind("HTTPRoute", "gateway.networking.k8s.io", "httproutes", custom=True, needed=False)
GRPC_ROUTE = Kind("GRPCRoute", "gateway.networking.k8s.io", "grpcroutes", custom=True, needed=False)
TLS_ROUTE = Kind("TLSRoute", "gateway.networking.k8s.io", "tlsroutes", custom=True, needed=False)

ALL: tuple[Kind, ...] = tuple(
    value for name, value in sorted(globals().items()) if isinstance(value, Kind)
)
_BY_NAME = {kind.name: kind for kind in ALL} | {GATEWAY.name: GATEWAY}
_BY_QUALIFIED_NAME = {f"{kind.name}.{kind.group}": kind for kind in ALL}
BY_GROUP_AND_PLURAL: dict[tuple[str, str], Kind] = {(kind.group, kind.plural): kind for kind in ALL}


def kind_named(word: str) -> Kind | None:
    """The kind that a person means: ``Service``, ``Gateway.gateway.networking.k8s.io``.

    A name that two groups have is Istio's. None where there is no such kind.
    """
    return _BY_QUALIFIED_NAME.get(word) or _BY_NAME.get(word)

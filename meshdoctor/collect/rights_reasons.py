"""Why each kind of object is read, and what cannot be told without it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.model import kinds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.model.kinds import Kind


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something is read, in a person's words."""

    why: str
    """What is read from it."""
    needed_for: str
    """What is concluded from that."""
    without_it: str
    """What becomes unknown."""


_ROUTES = "where requests go, and why they fail there"
_MTLS = "mTLS conflicts between callers and servers"
_GATEWAYS = "what a gateway lets in, and where it sends it"

REASONS: Mapping[Kind, Reason] = {
    kinds.NAMESPACE: Reason(
        "labels that ask for injection or ambient", "who gets a proxy", "missing sidecars"
    ),
    kinds.POD: Reason(
        "which pods carry a proxy, their labels, addresses and state",
        "every conclusion: all others begin at the pods",
        "nearly everything",
    ),
    kinds.SERVICE: Reason(
        "selectors and ports", "failing requests (503) and gateways", "every 503"
    ),
    kinds.EVENT: Reason(
        "why pods were refused, killed or failed their probes",
        "pods that never come up",
        "injection failures and failing probes",
    ),
    kinds.NODE: Reason(
        "conditions and versions of nodes", "pods that wait for a node", "what ails a node"
    ),
    kinds.CONFIG_MAP: Reason(
        "MeshConfig (istio), the injector's values, the mesh root (istio-ca-root-cert)",
        "defaults of the whole mesh, and trust in istiod",
        "MeshConfig where istiod cannot be asked, and certificates that no longer match",
    ),
    kinds.SECRET: Reason(
        "certificates (never keys) that gateways name, and istiod's own CA certificate",
        "gateway certificates that are absent, expired or do not fit their key",
        "a gateway's certificate that Envoy never got",
    ),
    kinds.ENDPOINTS: Reason(
        "addresses of Services without EndpointSlices", _ROUTES, "hand-made Endpoints"
    ),
    kinds.SERVICE_ACCOUNT: Reason(
        "identities of workloads", "who may call whom", "principals that name no service account"
    ),
    kinds.RESOURCE_QUOTA: Reason(
        "limits of a namespace", "pods that a quota refuses", "whether a quota refuses the proxy"
    ),
    kinds.LIMIT_RANGE: Reason(
        "defaults of a namespace", "pods that a quota refuses", "whether defaults satisfy a quota"
    ),
    kinds.ENDPOINT_SLICE: Reason(
        "ready addresses of each Service", _ROUTES, "every 503, and whether istiod is reachable"
    ),
    kinds.DEPLOYMENT: Reason(
        "pod templates and replicas", "which object to mend", "owners of faulty pods; istiod down"
    ),
    kinds.REPLICA_SET: Reason(
        "which Deployment a pod belongs to", "which object to mend", "owners of faulty pods"
    ),
    kinds.STATEFUL_SET: Reason(
        "pod templates and replicas", "which object to mend", "owners of faulty pods"
    ),
    kinds.DAEMON_SET: Reason(
        "pod templates; ztunnel and the CNI node agent",
        "which object to mend, and whether ambient works",
        "owners of faulty pods; ambient",
    ),
    kinds.JOB: Reason(
        "owners of pods that run to their end", "Jobs that a sidecar keeps alive", "such Jobs"
    ),
    kinds.HORIZONTAL_POD_AUTOSCALER: Reason(
        "who sets the number of replicas", "workloads scaled to zero", "why replicas change"
    ),
    kinds.NETWORK_POLICY: Reason(
        "who may reach whom by packet", "connections that time out", "blocked connections"
    ),
    kinds.MUTATING_WEBHOOK: Reason(
        "injection webhooks and their selectors", "who gets a proxy", "missing sidecars"
    ),
    kinds.VALIDATING_WEBHOOK: Reason(
        "istiod's validation webhook", "Istio objects that cannot be written", "refused writes"
    ),
    kinds.CRD: Reason(
        "which of Istio's kinds are installed, in which versions",
        "telling 'there are none' from 'the kind does not exist'",
        "whether Istio's CRDs are complete",
    ),
    kinds.VIRTUAL_SERVICE: Reason("routes", _ROUTES, "every 503 and 404"),
    kinds.DESTINATION_RULE: Reason(
        "subsets, client TLS, limits, outlier detection", f"{_ROUTES}; {_MTLS}", "every 503; mTLS"
    ),
    kinds.GATEWAY: Reason("servers, hosts and credentials of gateways", _GATEWAYS, "gateways"),
    kinds.SERVICE_ENTRY: Reason("hosts outside the mesh", _ROUTES, "calls to outside hosts"),
    kinds.SIDECAR: Reason("which hosts a proxy gets", _ROUTES, "hosts that a proxy does not know"),
    kinds.ENVOY_FILTER: Reason(
        "patches to Envoy's configuration", "proxies that reject configuration", "who broke it"
    ),
    kinds.WORKLOAD_ENTRY: Reason(
        "endpoints that are no pods", _ROUTES, "subsets made of WorkloadEntries"
    ),
    kinds.WORKLOAD_GROUP: Reason(
        "templates of WorkloadEntries", "workloads outside the cluster", "where they come from"
    ),
    kinds.PROXY_CONFIG: Reason(
        "settings of proxies", "proxies that behave unlike their neighbours", "such settings"
    ),
    kinds.PEER_AUTHENTICATION: Reason("which mTLS a server asks for", _MTLS, "mTLS"),
    kinds.REQUEST_AUTHENTICATION: Reason(
        "JWT rules", "401 and 403 answers", "why a token is refused"
    ),
    kinds.AUTHORIZATION_POLICY: Reason(
        "who may call whom", "403 answers", "which policy refused a call"
    ),
    kinds.TELEMETRY: Reason(
        "which access logs are written", "what silence in a log means", "whether logs are off"
    ),
    kinds.WASM_PLUGIN: Reason(
        "extensions of proxies", "proxies that reject configuration", "which plugin broke it"
    ),
    kinds.KUBERNETES_GATEWAY: Reason("gateways and waypoints", _GATEWAYS, "such gateways"),
    kinds.GATEWAY_CLASS: Reason(
        "who is in charge of a Gateway", _GATEWAYS, "whether a Gateway is Istio's"
    ),
    kinds.HTTP_ROUTE: Reason("routes of the Gateway API", _ROUTES, "such routes"),
    kinds.GRPC_ROUTE: Reason("gRPC routes of the Gateway API", _ROUTES, "such routes"),
    kinds.TLS_ROUTE: Reason("TLS routes of the Gateway API", _ROUTES, "such routes"),
}
"""One reason for each kind that is read."""

"""What istiod's validation refuses, as far as it is obvious; worded as istiod words it.

Mirrors pkg/config/validation of Istio 1.26. What is not known to be wrong passes: a mesh that is
played must never refuse what a real one takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.drill.objects import spec_of
from meshdoctor.drill.validating_policies import (
    of_authorization_policy,
    of_peer_authentication,
    of_request_authentication,
)
from meshdoctor.drill.validating_routes import of_virtual_service
from meshdoctor.drill.validating_tls import of_destination_rule, of_gateway
from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.serve.object_store import name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from meshdoctor.serve.object_store import Object

    Rule = Callable[[Mapping[str, Any]], Iterator[str]]

_POLICIES = ("security.istio.io", "authorizationpolicies")


def _service_entry(spec: Mapping[str, Any]) -> Iterator[str]:
    if spec.get("workloadSelector") and spec.get("endpoints"):
        yield "only one of WorkloadSelector or Endpoints is allowed in Service Entry"
    if not spec.get("hosts"):
        yield "service entry must have at least one host"
    if "*" in as_list(spec.get("hosts")):
        yield "invalid host *"
    ports = [as_mapping(one) for one in as_list(spec.get("ports"))]
    for field, shown in (("name", 'name "{}"'), ("number", "{}")):
        values = [port.get(field) for port in ports]
        for value in dict.fromkeys(one for one in values if values.count(one) > 1):
            yield f"service entry port {shown.format(value)} already defined"
    resolution = spec.get("resolution", "NONE")
    if resolution == "NONE" and spec.get("endpoints"):
        yield "no endpoints should be provided for resolution type none"
    wild = any(str(host).startswith("*.") for host in as_list(spec.get("hosts")))
    if resolution in ("DNS", "DNS_ROUND_ROBIN") and wild and not spec.get("endpoints"):
        yield f"hosts must be FQDN if no endpoints are provided for resolution mode {resolution}"


def _envoy_filter(spec: Mapping[str, Any]) -> Iterator[str]:
    for item in map(as_mapping, as_list(spec.get("configPatches"))):
        change = as_mapping(item.get("patch"))
        if not item.get("applyTo"):
            yield "Envoy filter: missing applyTo"
        elif "patch" not in item:
            yield "Envoy filter: missing patch"
        elif not change.get("operation"):
            yield "Envoy filter: missing patch operation"
        elif change["operation"] != "REMOVE" and "value" not in change:
            yield "Envoy filter: missing patch value for non-remove operation"


def _sidecar(spec: Mapping[str, Any]) -> Iterator[str]:
    given = ("egress", "ingress", "outboundTrafficPolicy", "inboundConnectionPool")
    if not any(spec.get(field) is not None for field in given):
        yield "sidecar: empty configuration provided"
    for listener in map(as_mapping, as_list(spec.get("egress"))):
        hosts = as_list(listener.get("hosts"))
        if not hosts:
            yield "sidecar: egress listener must contain at least one host"
        if any("/" not in str(host) for host in hosts):
            yield "host must be of form namespace/dnsName"


_RULES: Mapping[tuple[str, str], Rule] = {
    ("networking.istio.io", "virtualservices"): of_virtual_service,
    ("networking.istio.io", "destinationrules"): of_destination_rule,
    ("networking.istio.io", "gateways"): of_gateway,
    ("networking.istio.io", "serviceentries"): _service_entry,
    ("networking.istio.io", "sidecars"): _sidecar,
    ("networking.istio.io", "envoyfilters"): _envoy_filter,
    ("security.istio.io", "peerauthentications"): of_peer_authentication,
    ("security.istio.io", "requestauthentications"): of_request_authentication,
    _POLICIES: of_authorization_policy,
}


def refusal(key: tuple[str, str], item: Object) -> str:
    """Why istiod refuses an object; empty where it lets it in.

    Args:
        key: the resource, by group and plural.
        item: the object as it shall be.
    """
    rule = _RULES.get(key)
    errors = list(dict.fromkeys(rule(spec_of(item)))) if rule is not None else []
    if key == _POLICIES:
        namespace, name = name_of(item)
        errors = [f"invalid policy {name}.{namespace}: {error}" for error in errors]
    if len(errors) > 1:
        listed = "\n".join(f"\t* {error}" for error in errors)
        return f"configuration is invalid: {len(errors)} errors occurred:\n{listed}\n\n"
    return f"configuration is invalid: {errors[0]}" if errors else ""

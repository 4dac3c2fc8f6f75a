"""The way from a proxy to its istiod: the Service it dials, the policies on both sides."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meshdoctor.intent.control_plane import (
    XDS_PORT,
    discovery_address,
    discovery_service,
    ready_pods,
    serves,
)
from meshdoctor.intent.network_policies import (
    NAMESPACE_NAME,
    Block,
    Decision,
    Direction,
    Verdict,
    decide,
)
from meshdoctor.model.kinds import SERVICE
from meshdoctor.model.resource import as_list, as_mapping, object_text

if TYPE_CHECKING:
    from meshdoctor.intent.revisions import ControlPlane
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What stands between a proxy and istiod, as far as objects show it."""

    objects: tuple[str, ...]
    text: str
    evidence: tuple[Evidence, ...]
    fills: dict[str, str]


def _port(mesh: Snapshot, pod: Resource, proxy: Proxy | None) -> int:
    """The port on istiod's pods that a proxy ends up at."""
    address = discovery_address(pod, proxy)
    service = discovery_service(mesh, address) if address else None
    if address is None or service is None:
        return XDS_PORT
    for item in map(as_mapping, as_list(service.spec.get("ports"))):
        if item.get("port") == address.port:
            target = item.get("targetPort", address.port)
            return target if isinstance(target, int) else XDS_PORT
    return address.port


def policy_decision(
    mesh: Snapshot, pod: Resource, proxy: Proxy | None, plane: ControlPlane
) -> Decision:
    """What NetworkPolicies make of the way: blocked only when no ready replica can be reached."""
    port = _port(mesh, pod, proxy)
    decisions = [decide(mesh, pod, istiod, port) for istiod in ready_pods(plane)]
    for wanted in (Verdict.ALLOWED, Verdict.UNKNOWN):
        found = next((item for item in decisions if item.verdict is wanted), None)
        if found is not None:
            return found
    return decisions[0] if decisions else Decision(Verdict.ALLOWED)


def _rule(direction: Direction, namespace: str) -> dict[str, Any]:
    """A rule that lets xDS through: from anyone into istiod, or from the pods to its namespace."""
    rule: dict[str, Any] = {"ports": [{"protocol": "TCP", "port": XDS_PORT}]}
    if direction is Direction.EGRESS:
        rule["to"] = [{"namespaceSelector": {"matchLabels": {NAMESPACE_NAME: namespace}}}]
    return rule


def _policy_fills(block: Block, plane: ControlPlane) -> dict[str, str]:
    policy, key = block.policy, block.direction.key
    rule = _rule(block.direction, min(plane.namespaces))
    rules = as_list(policy.spec.get(key))
    # A JSON patch cannot append to a list that is not there.
    place, value = (f"/spec/{key}/-", rule) if rules else (f"/spec/{key}", [rule])
    change = json.dumps([{"op": "add", "path": place, "value": value}])
    target = f"kubectl patch networkpolicy {policy.name} -n {policy.namespace} --type=json"
    last = f"/spec/{key}/{len(rules)}" if rules else f"/spec/{key}"
    side = "into istiod" if block.direction is Direction.INGRESS else "out of the pods"
    return {
        "obstacle": f"{policy} lets no connection to port {XDS_PORT} {side}",
        "mend": f"Let proxies reach istiod's port {XDS_PORT} through {policy}.",
        "mend_command": f"{target} -p='{change}'",
        "mend_changes": f"Adds one {key} rule for TCP {XDS_PORT}; everything else stays as it is.",
        "mend_undo": f'{target} -p=\'[{{"op":"remove","path":"{last}"}}]\'',
    }


def policy_obstacle(decision: Decision, plane: ControlPlane, istiod: str) -> Obstacle:
    """The policies that block the way."""
    first = decision.blocks[0]
    policies = tuple(dict.fromkeys(str(block.policy) for block in decision.blocks))
    evidence = [first.policy.evidence("spec", "podSelector")]
    if first.policy.get(*first.path):
        evidence.append(first.policy.evidence(*first.path))
    fills = _policy_fills(first, plane)
    return Obstacle((*policies, istiod), fills["obstacle"], tuple(evidence), fills)


def service_obstacle(
    mesh: Snapshot, pod: Resource, proxy: Proxy | None, plane: ControlPlane
) -> Obstacle | None:
    """The Service a proxy dials, when it is gone or does not lead to istiod's pods."""
    address = discovery_address(pod, proxy)
    if address is None or not mesh.catalog.known(SERVICE):
        return None
    service = discovery_service(mesh, address)
    name = object_text(SERVICE.name, address.namespace, address.service)
    evidence: tuple[Evidence, ...] = ()
    if service is None:
        text = f"{name}, which the proxy dials, does not exist"
    elif not serves(service, plane):
        text = f"The selector of {name}, which the proxy dials, matches no pod of istiod"
        evidence = (service.evidence("spec", "selector"),)
    else:
        return None
    where = f"service {address.service} -n {address.namespace}"
    fills = {
        "obstacle": text,
        "mend": f"Restore {name} as istiod's chart has it.",
        "mend_command": f"kubectl get {where} -o yaml",
        "mend_changes": "Nothing: it shows what there is; helm upgrade of istiod restores it.",
        "mend_undo": "Nothing to undo.",
    }
    return Obstacle((name,), text, evidence, fills)


def unseen_obstacle(pod: Resource, proxy: Proxy | None, workload: str) -> Obstacle:
    """No object explains it: the workload's own way to istiod has to be looked at."""
    address = discovery_address(pod, proxy)
    host = str(address) if address else f"istiod.istio-system.svc:{XDS_PORT}"
    text = "No NetworkPolicy and no Service explains it: firewall, CNI, DNS or node routing may"
    fills = {
        "obstacle": text,
        "mend": f"Try the way to {host} from the pod itself.",
        "mend_command": f"kubectl debug -n {pod.namespace} {pod.name} -it --image=curlimages/curl "
        f"-- curl -vk --max-time 5 https://{host}",
        "mend_changes": "Adds a short-lived container to the pod; traffic is not touched.",
        "mend_undo": f"kubectl delete pod {pod.name} -n {pod.namespace}",
    }
    return Obstacle((workload,), text, (), fills)

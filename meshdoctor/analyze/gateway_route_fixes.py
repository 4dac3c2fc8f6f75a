"""Words and commands for Gateways without routes: bind the VirtualService, or add the host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.analyze.json_patches import json_patch, replace_value
from meshdoctor.analyze.nearest_labels import nearest_word
from meshdoctor.intent.gateway_servers import named_gateways, servers
from meshdoctor.intent.route_bindings import MESH
from meshdoctor.model.resource import as_list

if TYPE_CHECKING:
    from meshdoctor.model.resource import Resource

_ONLY_READS = "nothing to undo: this only reads"


def _named(item: Resource) -> str:
    return ", ".join(f"{namespace}/{name}" for namespace, name in named_gateways(item))


def names_no_gateway(item: Resource, gateway: Resource) -> str:
    """Why a VirtualService that speaks for a Gateway's hosts is not bound to it."""
    named = _named(item)
    if not named:
        why = "names no Gateway, so it is for sidecars only"
    else:
        why = f"names Gateway {named}, which does not exist"
    return f"{item} {why}; {gateway}, which is for the same hosts, gets no route from it"


def bind_fills(item: Resource | None, gateway: Resource, message: str) -> dict[str, str]:
    """Words for a Gateway that lacks a VirtualService.

    Args:
        item: the VirtualService that was probably meant; None when there is none.
        gateway: the Gateway.
        message: what is so.
    """
    where = f"{gateway.namespace}/{gateway.name}"
    if item is None:
        return {
            "why": message,
            "do": f"Write a VirtualService with gateways: [{where}] and a route for its hosts",
            "command": "kubectl get virtualservices.networking.istio.io -A",
            "undo": _ONLY_READS,
        }
    kept = [MESH] if MESH in as_list(item.spec.get("gateways")) else []
    if not as_list(item.spec.get("gateways")):
        kept = [MESH]
    command, undo = replace_value(item, ("spec", "gateways"), [*kept, where])
    return {
        "why": message,
        "do": f"Let {item} name Gateway {where}",
        "command": command,
        "undo": undo,
    }


def host_fills(item: Resource, gateway: Resource, host: str) -> dict[str, str]:
    """Words for a VirtualService's host that its Gateway lacks."""
    offered = list(dict.fromkeys(text for server in servers(gateway) for text in server.hosts))
    near = nearest_word(host, offered) or (offered[0] if offered else "")
    server = next((s for s in servers(gateway) if near in s.hosts), None)
    hosts = as_list(item.spec.get("hosts"))
    change, back = replace_value(item, ("spec", "hosts", hosts.index(host)), near or host)
    add, remove = f"kubectl edit gateways.networking.istio.io {gateway.name}", _ONLY_READS
    add += f" -n {gateway.namespace}"
    if server is not None:
        place = f"/spec/servers/{server.index}/hosts"
        add = json_patch(gateway, [{"op": "add", "path": f"{place}/-", "value": host}])
        remove = json_patch(gateway, [{"op": "remove", "path": f"{place}/{len(server.hosts)}"}])
    return {
        "host": host,
        "virtualservice": f"{item.namespace}/{item.name}",
        "offered": ", ".join(offered) or "no host",
        "near": near or "another host",
        "command": add,
        "undo": remove,
        "change": change,
        "change_back": back,
    }

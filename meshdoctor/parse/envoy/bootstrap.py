"""The node of a config dump's bootstrap."""

from __future__ import annotations

from sys import intern
from typing import TYPE_CHECKING, Any

import msgspec

from meshdoctor.model.envoy.bootstrap import Bootstrap
from meshdoctor.model.resource import as_list, as_mapping, as_strings
from meshdoctor.parse.envoy.decoding import decode
from meshdoctor.parse.envoy.fields import integer, text
from meshdoctor.parse.errors import ParseError

if TYPE_CHECKING:
    from collections.abc import Mapping

_NODE_PARTS = 4


class _Node(msgspec.Struct):
    """The part of a node worth decoding: ``extensions`` alone is a quarter of a dump."""

    id: Any = ""
    metadata: Any = None
    user_agent_build_version: Any = None
    build_version_in_camel_case: Any = msgspec.field(name="userAgentBuildVersion", default=None)


class _Bootstrap(msgspec.Struct):
    node: _Node | None = None


class _Section(msgspec.Struct):
    bootstrap: _Bootstrap | None = None


def _pod_ports(value: object) -> tuple[int, ...]:
    """POD_PORTS is a list written as a JSON string."""
    if isinstance(value, str):
        try:
            value = decode(value.encode(), list[Any], "POD_PORTS")
        except (ParseError, UnicodeEncodeError):
            return ()
    ports = (integer(as_mapping(item).get("containerPort")) for item in as_list(value))
    return tuple(port for port in ports if port is not None)


def _revision(metadata: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    annotations = as_mapping(metadata.get("ANNOTATIONS"))
    return (
        text(metadata.get("ISTIO_REVISION"))
        or labels.get("istio.io/rev", "")
        or text(annotations.get("istio.io/rev"))
    )


def _envoy_version(build: Mapping[str, Any]) -> str:
    version = as_mapping(build.get("version"))
    if not version:
        return ""
    numbers = ".".join(
        str(integer(version.get(snake) or version.get(camel)) or 0)
        for snake, camel in (
            ("major_number", "majorNumber"),
            ("minor_number", "minorNumber"),
            ("patch", "patch"),
        )
    )
    metadata = as_mapping(build.get("metadata"))
    keys = ("revision.status", "build.type", "ssl.version")
    return "/".join([numbers, *(part for key in keys if (part := text(metadata.get(key))))])


def _sha(metadata: Mapping[str, Any], build: Mapping[str, Any]) -> str:
    named = text(metadata.get("ISTIO_PROXY_SHA")).rpartition(":")[2]
    return named or text(as_mapping(build.get("metadata")).get("revision.sha"))


def read_bootstrap(raw: msgspec.Raw, pointer: str) -> Bootstrap | None:
    """Read a ``BootstrapConfigDump`` without decoding the rest of it.

    Raises:
        ParseError: it is not of the expected shape.
    """
    section = decode(raw, _Section, "a bootstrap")
    node = section.bootstrap.node if section.bootstrap else None
    if node is None:
        return None
    node_id = text(node.id)
    parts = node_id.split("~")
    proxy_type, ip, name, domain = parts if len(parts) == _NODE_PARTS else ("", "", "", "")
    pod, _, namespace = name.rpartition(".")
    metadata = as_mapping(node.metadata)
    labels = {intern(k): intern(v) for k, v in as_strings(metadata.get("LABELS")).items()}
    build = as_mapping(node.user_agent_build_version or node.build_version_in_camel_case)
    return Bootstrap(
        node_id=node_id,
        proxy_type=intern(proxy_type),
        ip=ip,
        pod=text(metadata.get("NAME")) or pod,
        namespace=text(metadata.get("NAMESPACE")) or intern(namespace),
        dns_domain=intern(domain),
        istio_version=text(metadata.get("ISTIO_VERSION")),
        revision=_revision(metadata, labels),
        cluster_id=text(metadata.get("CLUSTER_ID")),
        workload_name=text(metadata.get("WORKLOAD_NAME")),
        service_account=text(metadata.get("SERVICE_ACCOUNT")),
        mesh_id=text(metadata.get("MESH_ID")),
        network=text(metadata.get("NETWORK")),
        interception_mode=text(metadata.get("INTERCEPTION_MODE")),
        labels=labels,
        discovery_address=text(as_mapping(metadata.get("PROXY_CONFIG")).get("discoveryAddress")),
        pod_ports=_pod_ports(metadata.get("POD_PORTS")),
        instance_ips=tuple(ip for ip in text(metadata.get("INSTANCE_IPS")).split(",") if ip),
        envoy_version=_envoy_version(build),
        proxy_sha=_sha(metadata, build),
        pointer=f"{pointer}/bootstrap/node",
    )

"""The names that a report could give away: from the mesh's objects, and from its own texts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from meshdoctor.diagnose.object_names import split_object
from meshdoctor.model import kinds
from meshdoctor.model.resource import as_list, as_mapping, as_strings
from meshdoctor.report.mask_kept import LIBRARY, is_kept
from meshdoctor.report.texts import with_texts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.report.document import Document

    Named = tuple[str, str]
    """A group of names (``ns``, ``host`` …) and one name of it."""

GROUPS = (
    *("ns", "cluster", "node", "service", "workload", "pod", "host", "object", "recording"),
    "label",
)
"""A name that several groups know belongs to the first of them."""
_GROUP_OF_KIND = {
    kinds.NAMESPACE: "ns",
    kinds.NODE: "node",
    kinds.SERVICE: "service",
    kinds.POD: "pod",
    **dict.fromkeys(
        (kinds.DEPLOYMENT, kinds.REPLICA_SET, kinds.STATEFUL_SET, kinds.DAEMON_SET, kinds.JOB),
        "workload",
    ),
}
_GROUP_OF_WORD = {kind.name: group for kind, group in _GROUP_OF_KIND.items()}
_HOST_WORDS = """
host hosts hostname hostnames sniHosts sni serverName subjectAltNames issuer jwksUri address
addresses externalName trustDomain clusterDomain
"""
_HOST_FIELDS = frozenset(_HOST_WORDS.split())
_OWN_LABEL = re.compile(
    r"istio\.io/|istio-injection|pod-template-hash|controller-|revision|heritage|chart"
    r"|kubernetes\.io/(?!name|instance|part-of)"
)
"""Labels whose values are Istio's, Kubernetes' and Helm's own words."""
_TLDS = (
    "com|net|org|edu|gov|mil|int|io|dev|app|cloud|local|internal|corp|lan|home|intra|example|test"
    "|invalid|localdomain|info|biz|ai|co|tech|online|site|xyz|systems|services|network|eu|us|uk|de"
    "|fr|es|nl|ch|se|fi|dk|pl|cz|ca|au|jp|cn|in|br|ru|kr|sg|nz|ie|mx|za"
)
_HOST = re.compile(rf"(?<![\w.-])(?:[a-z0-9_-]+\.)+(?:{_TLDS})(?![\w-]|\.\w)", re.IGNORECASE)
_SERVICE_HOST = re.compile(r"(?<![\w.-])([a-z0-9-]+)\.([a-z0-9-]+)\.svc(?:\.([a-z0-9.-]+))?")
_AUTHORITY = re.compile(r'"([a-z][a-z0-9-]*):\d{2,5}"')
_IDENTITY = re.compile(r"(?:spiffe://([^/\s\"]+)/)?ns/([a-z0-9-]+)/sa/([a-z0-9-]+)")
_USER = re.compile(r"system:serviceaccount:([a-z0-9-]+):([a-z0-9.-]+)")
_API_PATH = re.compile(r"/namespaces/([a-z0-9-]+)/[a-z-]+/([a-z0-9.-]+)")
_FILE = re.compile(r"(?<![\w/])(?:proxies|istiod|ztunnels|logs)/(?!debug/)([^/\s]+)/([^/\s]+)(?=/)")
_OBJECT = re.compile(r"\b([A-Z][A-Za-z]+) ([a-z0-9-]+)/([a-z0-9][a-z0-9.-]*[a-z0-9])")


def _strings(value: Any, field: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a document with the name of the field that holds it."""
    if isinstance(value, str):
        yield field, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _strings(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item, field)


def _bare_host(text: str) -> str:
    """The host alone: of a URL, of ``namespace/host``, with a port or a wildcard."""
    rest = text.rpartition("://")[2].rpartition("@")[2]
    before, slash, after = rest.partition("/")
    host = after if slash and "." not in before and "." in after else before
    return host.partition(":")[0].removeprefix("*.").strip(".*~").lower()


def _of_resource(resource: Resource) -> Iterator[Named]:
    """The names that one object bears or speaks of."""
    if resource.namespace:
        yield "ns", resource.namespace
    system = resource.kind is kinds.SERVICE_ACCOUNT and resource.namespace.startswith("kube-")
    if resource.kind is kinds.EVENT:
        yield "object", str(resource.get("involvedObject", "name") or "")
    elif resource.kind is not kinds.CRD and not system:
        yield _GROUP_OF_KIND.get(resource.kind, "object"), resource.name
    yield from _of_labels(resource)
    for container in as_list(resource.get("spec", "containers")):
        yield "label", str(as_mapping(container).get("name") or "")
    if resource.kind.custom or resource.kind in (kinds.SERVICE, kinds.NODE):
        for field, text in _strings({"spec": resource.spec, "status": resource.status}):
            if field in _HOST_FIELDS:
                yield "host", _bare_host(text)


def _of_labels(resource: Resource) -> Iterator[Named]:
    for key in ("topology.istio.io/network", "topology.istio.io/cluster"):
        yield "cluster", resource.labels.get(key, "")
    if is_kept(resource.namespace):
        return
    for labels in (resource.labels, as_strings(resource.get("spec", "selector"))):
        for key, value in labels.items():
            if not _OWN_LABEL.search(key):
                yield "label", value


def _of_about(document: Document) -> Iterator[Named]:
    told = document.about.provenance
    yield "recording", document.about.name
    yield "cluster", told.context
    yield from (("cluster", part) for part in re.split(r"[:/@_\s]", told.context))
    yield "host", told.server.partition(":")[0]
    yield from (("ns", name) for name in document.diagnosis.namespaces)


def _of_text(text: str) -> Iterator[Named]:
    """Names in the shapes in which Istio and Kubernetes write them."""
    for service, namespace, domain in _SERVICE_HOST.findall(text):
        yield "service", service
        yield "ns", namespace
        yield "host", domain
    for domain, namespace, account in _IDENTITY.findall(text):
        yield "host", domain
        yield "ns", namespace
        yield "object", account
    for namespace, name in (*_API_PATH.findall(text), *_USER.findall(text)):
        yield "ns", namespace
        yield "object", name
    for kind, namespace, name in _OBJECT.findall(text):
        if kind in _KIND_WORDS:
            yield "ns", namespace
            yield _GROUP_OF_WORD.get(kind, "object"), name
    for namespace, pod in _FILE.findall(text):
        yield "ns", namespace
        yield "pod", pod
    yield from (("host", host.lower()) for host in _HOST.findall(text) if ".svc." not in host)
    yield from (("host", host) for host in _AUTHORITY.findall(text))


_KIND_WORDS = frozenset(kind.name for kind in kinds.ALL)


def _of_document(document: Document) -> list[Named]:
    found: list[Named] = []

    def look(field: str, text: str) -> str:
        if field not in LIBRARY:
            found.extend(_of_text(text))
        if field in ("objects", "resource") and " " in text:
            kind, namespace, name = split_object(text)
            found.extend((("ns", namespace), (_GROUP_OF_WORD.get(kind, "object"), name)))
        return text

    with_texts((document.about, document.diagnosis, document.requests), look)
    return found


def names_of(mesh: Snapshot, document: Document) -> dict[str, str]:
    """Every name that must not leave, with its group.

    Args:
        mesh: the snapshot: all of its objects, proxies and hosts.
        document: the report: names in it that no object bears (a host in a log, an object that
            is gone).
    """
    found = [
        *(named for kind in kinds.ALL for r in mesh.catalog.of(kind) for named in _of_resource(r)),
        *(("ns", proxy.namespace) for proxy in mesh.proxies.values()),
        *(("pod", proxy.pod) for proxy in mesh.proxies.values()),
        *(("pod", istiod.pod) for istiod in mesh.istiods),
        *(("pod", ztunnel.pod) for ztunnel in mesh.ztunnels),
        *_of_about(document),
        *_of_document(document),
    ]
    groups: dict[str, str] = {}
    for group, given in found:
        name = given.lower()
        is_number = name.replace(".", "").isdigit()
        if len(name) < 2 or is_kept(name) or is_number or (group == "host" and ":" in name):
            continue
        known = groups.get(name)
        if known is None or GROUPS.index(group) < GROUPS.index(known):
            groups[name] = group
    return groups

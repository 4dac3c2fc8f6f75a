"""The names that a report could give away: from the mesh's objects, and from its own texts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from meshdoctor.diagnose.object_names import split_object
from meshdoctor.model import kinds
from meshdoctor.model.resource import as_list, as_mapping, as_strings
from meshdoctor.report.mask_kept import LIBRARY, is_kept, texts_of
from meshdoctor.report.mask_texts import GROUP_OF_KIND, GROUP_OF_WORD, names_in
from meshdoctor.report.texts import with_texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.report.document import Document
    from meshdoctor.report.mask_texts import Named

GROUPS = (
    *("ns", "cluster", "node", "service", "workload", "pod", "host", "object", "recording"),
    *("revision", "label"),
)
"""A name that several groups know belongs to the first of them."""
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


_TELLING_LABELS = {
    "topology.istio.io/network": "cluster",
    "topology.istio.io/cluster": "cluster",
    "topology.kubernetes.io/region": "node",
    "topology.kubernetes.io/zone": "node",
    "failure-domain.beta.kubernetes.io/region": "node",
    "failure-domain.beta.kubernetes.io/zone": "node",
    "topology.istio.io/subzone": "node",
    "kubernetes.io/hostname": "node",
    "pod-template-hash": "label",
}
"""Labels that tell where something runs, or are a part of pods' names; of whatever namespace."""
_REVISION_LABELS = ("istio.io/rev", "istio.io/tag")
_VERSION = re.compile(r"v?\d+(?:[.-]\d+)*(?:-(?:alpha|beta|rc|dev)[.\w-]*)?")
"""A revision that is called as its version names nobody."""
_TELLING_VARIABLES = (
    *("CLUSTER_ID", "ISTIO_META_CLUSTER_ID", "ISTIO_META_MESH_ID", "ISTIO_META_NETWORK"),
    "TRUST_DOMAIN",
)


def _bare_host(text: str) -> str:
    """The host alone: of a URL, of ``namespace/host``, with a port or a wildcard."""
    rest = text.rpartition("://")[2].rpartition("@")[2]
    before, slash, after = rest.partition("/")
    host = after if slash and "." not in before and "." in after else before
    return host.partition(":")[0].removeprefix("*.").strip(".*~").lower()


def of_resource(resource: Resource) -> Iterator[Named]:
    """The names that one object bears or speaks of."""
    if resource.namespace:
        yield "ns", resource.namespace
    system = resource.kind is kinds.SERVICE_ACCOUNT and resource.namespace.startswith("kube-")
    if resource.kind is kinds.EVENT:
        yield "object", str(resource.get("involvedObject", "name") or "")
    elif resource.kind is not kinds.CRD and not system:
        yield GROUP_OF_KIND.get(resource.kind, "object"), resource.name
    yield from _of_labels(resource)
    for container in map(as_mapping, as_list(resource.get("spec", "containers"))):
        yield "label", str(container.get("name") or "")
        yield from _of_container(container)
    if resource.kind.custom or resource.kind in (kinds.SERVICE, kinds.NODE):
        for field, text in texts_of({"spec": resource.spec, "status": resource.status}):
            if field in _HOST_FIELDS:
                yield "host", _bare_host(text)


def _of_container(container: Mapping[str, Any]) -> Iterator[Named]:
    """The cluster that a proxy or istiod is told to be of, and whose images run."""
    for item in map(as_mapping, as_list(container.get("env"))):
        if item.get("name") in _TELLING_VARIABLES:
            yield "cluster", str(item.get("value") or "")
    registry, *folders = str(container.get("image") or "").split("/")[:-1] or [""]
    yield "host", registry.partition(":")[0]
    yield from (("label", folder) for folder in folders)


def _of_labels(resource: Resource) -> Iterator[Named]:
    for key, group in _TELLING_LABELS.items():
        yield group, resource.labels.get(key, "")
    for key in _REVISION_LABELS:
        revision = resource.labels.get(key, "")
        if not _VERSION.fullmatch(revision):
            yield "revision", revision
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


def _of_document(document: Document) -> list[Named]:
    found: list[Named] = []

    def look(field: str, text: str) -> str:
        if field not in LIBRARY:
            found.extend(names_in(text))
        host = _bare_host(text) if field == "to" else ""
        if "." in host and ".svc" not in host:
            found.append(("host", host))
        if field in ("objects", "resource") and " " in text:
            kind, namespace, name = split_object(text)
            found.extend((("ns", namespace), (GROUP_OF_WORD.get(kind, "object"), name)))
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
        *(named for kind in kinds.ALL for r in mesh.catalog.of(kind) for named in of_resource(r)),
        *(("ns", proxy.namespace) for proxy in mesh.proxies.values()),
        *(("pod", proxy.pod) for proxy in mesh.proxies.values()),
        *(("pod", istiod.pod) for istiod in mesh.istiods),
        *(("pod", ztunnel.pod) for ztunnel in mesh.ztunnels),
        *_of_about(document),
        *_of_document(document),
    ]
    namespaces = {name for group, name in found if group == "ns"}
    groups: dict[str, str] = {}
    for group, given in found:
        name = given.lower()
        first, _, second = name.partition(".")
        if group == "host" and second in namespaces:
            # ``ratings.shop`` is a Service of a namespace, whatever it looks like.
            group, name = "service", first
        is_number = name.replace(".", "").isdigit()
        if len(name) < 2 or is_kept(name) or is_number or (group == "host" and ":" in name):
            continue
        known = groups.get(name)
        if known is None or GROUPS.index(group) < GROUPS.index(known):
            groups[name] = group
    return groups

"""Other tools' archives, made of a recording to the layouts those tools write."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from meshdoctor.diagnose.diagnosis import diagnose
from meshdoctor.imports.reading import read
from meshdoctor.model.diagnosis import Scope
from meshdoctor.model.kinds import ALL
from meshdoctor.recording.archive import open_archive

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from meshdoctor.model.diagnosis import Diagnosis
    from meshdoctor.model.snapshot import Snapshot

RECORDINGS = Path(__file__).parents[3] / "recordings"
SUBSET = "subset-not-defined"
Files = dict[str, bytes]
_CLUSTER_WIDE = (
    "Node",
    "Namespace",
    "CustomResourceDefinition",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
)
_RESOURCES = (
    *("Pod", "Service", "Deployment", "ReplicaSet", "DaemonSet", "StatefulSet"),
    *("EndpointSlice", "ConfigMap", "NetworkPolicy"),
)


def recorded(name: str = SUBSET) -> Files:
    """A bundled recording's files."""
    entries = open_archive(RECORDINGS / f"{name}.tar.gz").entries()
    return {entry.path: entry.data for entry in entries}


def objects(files: Mapping[str, bytes], *kinds: str) -> list[dict[str, Any]]:
    """The objects of some kinds, each with its kind as kubectl prints it; all without a kind."""
    found = []
    for path, data in sorted(files.items()):
        if not path.startswith("kubernetes/") or path == "kubernetes/version.json":
            continue
        document = json.loads(data)
        kind = str(document["kind"]).removesuffix("List")
        for item in document["items"]:
            if not kinds or kind in kinds:
                found.append({"apiVersion": document["apiVersion"], "kind": kind, **item})
    return found


def is_istios(item: Mapping[str, Any]) -> bool:
    return ".istio.io/" in item["apiVersion"] or "gateway.networking.k8s.io" in item["apiVersion"]


def as_yaml(items: Iterable[Mapping[str, Any]], kind: str = "List") -> bytes:
    """What ``kubectl get -o yaml`` prints."""
    document = {"apiVersion": "v1", "items": list(items), "kind": kind, "metadata": {}}
    text: str = yaml.dump(document, Dumper=yaml.CSafeDumper, default_flow_style=False)
    return text.encode()


def clusters_text(data: bytes) -> bytes:
    """``/clusters?format=json`` as ``/clusters`` prints it."""
    lines = []
    for cluster in json.loads(data).get("cluster_statuses", ()):
        name = cluster["name"]
        lines.append(f"{name}::observability_name::{cluster.get('observability_name', name)}")
        for threshold in cluster.get("circuit_breakers", {}).get("thresholds", ()):
            for stat in ("max_connections", "max_pending_requests", "max_requests", "max_retries"):
                priority = threshold.get("priority", "DEFAULT").lower()
                lines.append(f"{name}::{priority}_priority::{stat}::{threshold.get(stat, 0)}")
        lines.append(f"{name}::added_via_api::{str(cluster.get('added_via_api', False)).lower()}")
        if "eds_service_name" in cluster:
            lines.append(f"{name}::eds_service_name::{cluster['eds_service_name']}")
        for host in cluster.get("host_statuses", ()):
            lines += _host_lines(name, host)
    return "\n".join([*lines, ""]).encode()


def _host_lines(cluster: str, host: Mapping[str, Any]) -> list[str]:
    address = host["address"]
    if "socket_address" not in address:
        return []
    socket = address["socket_address"]
    prefix = f"{cluster}::{socket['address']}:{socket['port_value']}"
    lines = [f"{prefix}::{stat['name']}::{stat.get('value', 0)}" for stat in host.get("stats", ())]
    health = host.get("health_status", {})
    flags = "/failed_outlier_check" if health.get("failed_outlier_check") else ""
    flags += "/failed_eds_health" if health.get("eds_health_status") == "UNHEALTHY" else ""
    return [
        *lines,
        f"{prefix}::hostname::{host.get('hostname', '')}",
        f"{prefix}::health_flags::{flags or 'healthy'}",
        f"{prefix}::weight::{host.get('weight', 1)}",
        f"{prefix}::priority::{host.get('priority', 0)}",
    ]


def listeners_text(data: bytes) -> bytes:
    """``/listeners?format=json`` as ``/listeners`` prints it."""
    lines = []
    for status in json.loads(data).get("listener_statuses", ()):
        socket = status["local_address"].get("socket_address")
        if socket:
            lines.append(f"{status['name']}::{socket['address']}:{socket['port_value']}")
    return "\n".join([*lines, ""]).encode()


def bug_report(files: Mapping[str, bytes], minor: int = 30, root: str = "bug-report/") -> Files:
    """An ``istioctl bug-report`` of Istio 1.``minor``."""
    everything = objects(files)
    of_cluster = [item for item in everything if item["kind"] in _CLUSTER_WIDE]
    namespaced = [item for item in everything if item["kind"] in _RESOURCES]
    made: Files = {
        "bug-report.log": b"",
        "versions": b'CLI version:\nversion.BuildInfo{Version:"1.30.0"}\n&version.MeshInfo{'
        b'version.ServerInfo{Info:version.BuildInfo{Version:"1.32.0-dev", GitRevision:"86c9"}}}\n',
        "cluster/kubectl-version": b"Client Version: v1.33.1\nServer Version: v1.33.13\n",
        "cluster/crs": as_yaml(filter(is_istios, everything)),
        "cluster/secrets": b"NAMESPACE NAME TYPE DATA AGE\n",
        "cluster/events": b"NAMESPACE   LAST SEEN   TYPE   REASON   OBJECT   MESSAGE   NAME\n"
        b"shop        5m          Normal Pulled   pod/x    Pulled    x.1\n",
        "analyze/allNamespaces/allNamespaces": b"",
    }
    if minor >= 30:
        made["cluster/k8s-resources"] = as_yaml(namespaced)
        made["cluster/k8s-cluster-resources"] = as_yaml(of_cluster)
    else:
        made["cluster/k8s-resources"] = as_yaml([*namespaced, *of_cluster])
    nodes = [item for item in of_cluster if item["kind"] == "Node"]
    made["cluster/nodes"] = as_yaml(nodes) if minor > 20 else b"Name: node\nRoles: <none>\n"
    for path, data in files.items():
        made.update(_bug_report_file(path, data))
    return {f"{root}{path}": data for path, data in made.items() if data}


def _bug_report_file(path: str, data: bytes) -> Files:
    folder, _, file = path.rpartition("/")
    if path.startswith("istiod/"):
        if "/debug/" in path:
            inner = f"istio/{path.removeprefix('istiod/').removesuffix('.json')}"
            return {inner.replace("debug/connections", "debug/adsz"): data}
        return {f"istio/{path.removeprefix('istiod/')}": data} if file == "discovery.log" else {}
    if path.startswith("ztunnels/"):
        place = folder.replace("ztunnels/", "proxies/")
        names = {"config_dump.json": "config_dump", "ztunnel.log": "istio-proxy.log"}
        return {f"{place}/{names[file]}": data} if file in names else {}
    if not path.startswith("proxies/"):
        return {}
    match file:
        case "clusters.json":
            return {f"{folder}/clusters": clusters_text(data)}
        case "listeners.json":
            return {f"{folder}/listeners": listeners_text(data)}
        case "config_dump.json":
            return {f"{folder}/config_dump?include_eds": data}
        case "certs.json" | "server_info.json":
            return {f"{folder}/{file.removesuffix('.json')}": data}
        case "istio-proxy.log":
            return {path: data}
    return {}


def cluster_info_dump(files: Mapping[str, bytes], namespaces: Iterable[str]) -> Files:
    """A ``kubectl cluster-info dump --output-directory``."""
    names = {
        "Pod": "pods",
        "Service": "services",
        "Event": "events",
        "Deployment": "deployments",
        "ReplicaSet": "replicasets",
        "DaemonSet": "daemonsets",
        "ReplicationController": "replication-controllers",
    }
    made: Files = {"nodes.json": _typed(objects(files, "Node"), "NodeList", "v1")}
    for namespace in namespaces:
        for kind, name in names.items():
            found = objects(files, kind)
            mine = [item for item in found if item["metadata"]["namespace"] == namespace]
            version = found[0]["apiVersion"] if found else "v1"
            made[f"{namespace}/{name}.json"] = _typed(mine, f"{kind}List", version)
    for path, data in files.items():
        if path.startswith("proxies/") and path.endswith("/istio-proxy.log"):
            _, namespace, pod, _ = path.split("/")
            said = f"logs for container istio-proxy of pod {namespace}/{pod} ====\n".encode()
            made[f"{namespace}/{pod}/logs.txt"] = b"==== START " + said + data + b"==== END " + said
    return made


def _typed(items: Iterable[Mapping[str, Any]], kind: str, version: str) -> bytes:
    bare = [
        {key: value for key, value in item.items() if key not in ("kind", "apiVersion")}
        for item in items
    ]
    document = {"kind": kind, "apiVersion": version, "metadata": {}, "items": bare}
    return json.dumps(document, indent=4).encode()


def support_bundle(files: Mapping[str, bytes], *, old: bool, root: str = "bundle/") -> Files:
    """A troubleshoot support bundle; old ones hold bare arrays of objects without a kind."""
    folders = {
        "Pod": "pods",
        "Service": "services",
        "Deployment": "deployments",
        "ReplicaSet": "replicasets",
        "StatefulSet": "statefulsets",
        "DaemonSet": "daemonsets",
        "EndpointSlice": "endpointslices",
        "ConfigMap": "configmaps",
        "Event": "events",
        "NetworkPolicy": "network-policy",
    }
    namespaces = objects(files, "Namespace")
    crds = objects(files, "CustomResourceDefinition")
    made: Files = {
        "version.yaml": b"apiVersion: troubleshoot.sh/v1beta2\nkind: SupportBundle\n",
        "cluster-info/cluster_version.json": b'{"info":{"gitVersion":"v1.33.13"}}',
        "cluster-resources/namespaces.json": _bundled(namespaces, old=old),
        "cluster-resources/custom-resource-definitions.json": _bundled(crds, old=old),
        "cluster-resources/pods-errors.json": b"null",
    }
    for kind, folder in folders.items():
        of_kind = objects(files, kind)
        for namespace in namespaces:
            name = namespace["metadata"]["name"]
            mine = [item for item in of_kind if item["metadata"]["namespace"] == name]
            made[f"cluster-resources/{folder}/{name}.json"] = _bundled(mine, old=old, kind=kind)
    for custom in filter(is_istios, objects(files)):
        group = custom["apiVersion"].partition("/")[0]
        crd = next(kind.crd for kind in ALL if (kind.group, kind.name) == (group, custom["kind"]))
        scope = custom["metadata"].get("namespace")
        place = f"custom-resources/{crd}/{scope}" if scope else f"custom-resources/{crd}"
        held = json.loads(made.get(f"cluster-resources/{place}.json", b"[]"))
        made[f"cluster-resources/{place}.json"] = json.dumps([*held, custom]).encode()
    for path, data in files.items():
        if path.startswith("proxies/") and path.endswith("/istio-proxy.log"):
            _, owner, pod, _ = path.split("/")
            made[f"cluster-resources/pods/logs/{owner}/{pod}/istio-proxy.log"] = data
    return {f"{root}{path}": data for path, data in made.items()}


def _bundled(items: list[dict[str, Any]], *, old: bool, kind: str = "") -> bytes:
    if not old:
        name = f"{kind or items[0]['kind']}List"
        version = items[0]["apiVersion"] if items else "v1"
        return json.dumps({"kind": name, "apiVersion": version, "items": items}).encode()
    bare = [
        {key: value for key, value in item.items() if key not in ("kind", "apiVersion")}
        for item in items
    ]
    return json.dumps(bare, indent=2).encode()


def tar_gz(path: Path, files: Mapping[str, bytes]) -> Path:
    """Pack files into an archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    path.write_bytes(gzip.compress(buffer.getvalue(), compresslevel=1))
    return path


def folder(path: Path, files: Mapping[str, bytes]) -> Path:
    """Write files into a folder."""
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


def diagnosed(path: Path) -> Diagnosis:
    return diagnose(read(path), Scope())


def causes(path: Path) -> list[tuple[str, str]]:
    """Each root cause with the object to mend."""
    return [(cause.id, cause.objects[0]) for cause in diagnosed(path).root_causes]


def reasons(snapshot: Snapshot) -> dict[str, str]:
    """Why things were not read, by path."""
    return {item.what: item.reason for item in snapshot.not_read}

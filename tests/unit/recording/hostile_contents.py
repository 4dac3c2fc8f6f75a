"""Sound archives with damaged files in them, which the reader above the archive meets."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

from tests.unit.recording.hostile_small import (
    CONTROL_PLANE,
    PODS,
    PROXY,
    manifest,
    pods,
    small_files,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    Case = tuple[str, str, bytes]
    """Name, path of the damaged file, and what it holds."""

_DEEP = 100_000
_NOISE = random.Random(3).randbytes(4000)
_YAML = b"kind: PodList\napiVersion: v1\nitems:\n- metadata:\n    name: a\n"
DUMP = f"{PROXY}/config_dump.json"
CLUSTERS = f"{PROXY}/clusters.json"
SYNCZ = f"{CONTROL_PLANE}/debug/syncz.json"


def refused_contents() -> Iterator[Case]:
    """A manifest without which nothing can be said."""

    def bad(name: str, data: bytes) -> Case:
        return f"manifest-{name}", "recording.json", data

    deep = b'{"format":"meshdoctor.recording/v1","a":' + b"[" * _DEEP
    yield bad("empty", b"")
    yield bad("not-json", b"hello")
    yield bad("cut", manifest()[:40])
    yield bad("yaml", b"format: meshdoctor.recording/v1\n")
    yield bad("array", b"[]")
    yield bad("null", b"null")
    yield bad("not-utf8", manifest(istio="1.32").replace(b"1.32", b"\xff\xfe"))
    yield bad("nested", deep)
    yield bad("other-format", manifest(format="troubleshoot.sh/v1beta2"))
    yield bad("format-v2", manifest(format="meshdoctor.recording/v2"))
    yield bad("format-number", manifest(format=1))
    yield bad("format-missing", manifest(format=None))
    yield bad("time-missing", manifest(captured_at=None))
    yield bad("time-garbage", manifest(captured_at="yesterday"))
    yield bad("time-number", manifest(captured_at=5))
    yield bad("noise", _NOISE)


def damaged_contents() -> Iterator[Case]:
    """One file is useless; the rest of the recording is not."""
    files = small_files()
    dump = files[DUMP]
    nulls = {**pods(), "items": [None, 5, "x", [], *pods()["items"]]}
    nameless = {**pods(), "items": [{"metadata": None, "spec": []}, {"metadata": {"name": 7}}]}
    infinite = files[PODS].replace(b'"restartCount": 0', b'"restartCount": -Infinity')
    yield "pods-cut", PODS, files[PODS][:500]
    yield "pods-empty", PODS, b""
    yield "pods-a-string", PODS, b'"PodList"'
    yield "pods-a-number", PODS, b"1e999"
    yield "pods-an-array", PODS, b"[]"
    yield "pods-with-nulls", PODS, json.dumps(nulls).encode()
    yield "pods-nameless", PODS, json.dumps(nameless).encode()
    yield "pods-items-an-object", PODS, b'{"kind":"PodList","items":{"a":1}}'
    yield "pods-nested", PODS, b'{"items":' + b"[" * _DEEP + b"]" * _DEEP + b"}"
    yield "pods-not-utf8", PODS, files[PODS].replace(b"Running", b"Runn\xff\xfe")
    yield "pods-utf16", PODS, files[PODS].decode().encode("utf-16")
    yield "pods-lone-surrogate", PODS, files[PODS].replace(b"Running", b"\\ud800")
    yield "pods-yaml", PODS, _YAML
    yield "pods-infinite", PODS, infinite
    yield "pods-endless-number", PODS, infinite.replace(b"-Infinity", b"9" * 50_000)
    yield "pods-noise", PODS, _NOISE
    yield "dump-cut", DUMP, dump[: len(dump) // 2]
    yield "dump-empty", DUMP, b""
    yield "dump-configs-an-object", DUMP, b'{"configs":{"a":1}}'
    yield "dump-configs-of-nulls", DUMP, b'{"configs":[null,1,"x",{"@type":5},{}]}'
    yield "dump-nested", DUMP, b'{"configs":' + b'[{"a":' * _DEEP
    strange: dict[str, object] = {
        "@type": "type.googleapis.com/envoy.admin.v3.ClustersConfigDump",
        "dynamic_active_clusters": "none",
        "static_clusters": [{"cluster": [5]}],
    }
    yield "dump-clusters-a-string", DUMP, json.dumps({"configs": [strange]}).encode()
    yield "clusters-wrong-types", CLUSTERS, b'{"cluster_statuses":[{"name":5,"host_statuses":7}]}'
    yield "clusters-an-array", CLUSTERS, b"[1,2]"
    yield "certs-a-string", f"{PROXY}/certs.json", b'"none"'
    yield "listeners-a-number", f"{PROXY}/listeners.json", b"3"
    yield "server-info-an-array", f"{PROXY}/server_info.json", b"[]"
    yield "stats-noise", f"{PROXY}/stats.txt", _NOISE
    yield "ready-noise", f"{PROXY}/ready.txt", _NOISE
    yield "log-noise", f"{PROXY}/istio-proxy.log", _NOISE
    yield "log-nuls", f"{PROXY}/istio-proxy.log", bytes(100_000)
    yield "log-brackets", f"{PROXY}/istio-proxy.log", b"[" * 200_000 + b'"' * 200_000
    yield "istiod-log-noise", f"{CONTROL_PLANE}/discovery.log", _NOISE
    yield "syncz-an-object", SYNCZ, b'{"proxy":"a"}'
    yield "syncz-wrong-types", SYNCZ, b'[null,{"proxy":7},{"proxy":"nodot"},[]]'
    yield "syncz-cut", SYNCZ, files[SYNCZ][:50]
    yield "mesh-a-number", f"{CONTROL_PLANE}/debug/mesh.json", b"42"
    yield "connections-an-array", f"{CONTROL_PLANE}/debug/connections.json", b"[[[]]]"
    yield "istiod-version-noise", f"{CONTROL_PLANE}/version.txt", _NOISE
    yield "errors-a-string", "recording.json", manifest(errors="none")
    yield "errors-of-nulls", "recording.json", manifest(errors=[None, 5, {"what": 5}, {}])
    yield "kubernetes-a-number", "recording.json", manifest(kubernetes=5, istio=["1.32"])


def all_empty() -> dict[str, bytes]:
    """Every file but the manifest is empty."""
    return {path: data if path == "recording.json" else b"" for path, data in small_files().items()}


def all_noise() -> dict[str, bytes]:
    """Every file but the manifest is noise."""
    files = small_files()
    return {path: data if path == "recording.json" else _NOISE for path, data in files.items()}

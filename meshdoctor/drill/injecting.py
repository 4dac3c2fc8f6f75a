"""What istiod's injector makes of a pod: the sidecar that other pods of this mesh got, adapted.

The injector's templates are not in a recording, so a pod that it injected serves as the pattern:
native or classic sidecar, istio-init or istio-validation are then as in this very mesh.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meshdoctor.drill.injecting_default import default_pattern
from meshdoctor.drill.injecting_native import in_form, istiod_container, wants_native
from meshdoctor.drill.injecting_own import (
    CONFIG,
    configured,
    holds_application,
    overlaid,
    own_settings,
)
from meshdoctor.drill.injecting_probes import rewritten_probes
from meshdoctor.drill.objects import PODS, annotations_of, labels_of, spec_of
from meshdoctor.drill.pods import as_pod, containers_of, is_native
from meshdoctor.intent.inbound_capture import EXCLUDE_INBOUND_PORTS, INCLUDE_INBOUND_PORTS
from meshdoctor.intent.revision_labels import DEFAULT_REVISION, REVISION
from meshdoctor.intent.revisions import got_revision, was_injected
from meshdoctor.model.pod import PROXY_CONTAINER, is_gateway
from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.serve.object_store import name_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from meshdoctor.drill.objects import Objects
    from meshdoctor.drill.state import State
    from meshdoctor.serve.object_store import Object

TEMPLATES = "inject.istio.io/templates"
"""Names the injector's templates; ``gateway`` makes the whole pod."""
_STATUS = "sidecar.istio.io/status"
_TRAFFIC = "traffic.sidecar.istio.io/"
_FLAGS = {
    "-i": (f"{_TRAFFIC}includeOutboundIPRanges", "*"),
    "-x": (f"{_TRAFFIC}excludeOutboundIPRanges", ""),
    "-b": (INCLUDE_INBOUND_PORTS, "*"),
    "-d": (EXCLUDE_INBOUND_PORTS, ""),
    "-o": (f"{_TRAFFIC}excludeOutboundPorts", None),
    "-q": (f"{_TRAFFIC}includeOutboundPorts", None),
}
"""istio-iptables' flags, the annotations behind them and what stands without one."""
_ISTIOD = re.compile(r"(?<![\w.-])istiod(-[a-z0-9-]+)?(?=\.[a-z0-9-]+\.svc\b)")
"""The Service in a discovery address (``istiod-canary.istio-system.svc:15012``)."""
_PROXY_PORTS = "15090,15021,15020"
_RESOURCES = {
    "sidecar.istio.io/proxyCPU": ("requests", "cpu"),
    "sidecar.istio.io/proxyMemory": ("requests", "memory"),
    "sidecar.istio.io/proxyCPULimit": ("limits", "cpu"),
    "sidecar.istio.io/proxyMemoryLimit": ("limits", "memory"),
}


def _patterns(objects: Objects) -> Iterator[Object]:
    for pod in objects.all(PODS):
        resource = as_pod(pod)
        names = [one.get("name") for one in containers_of(spec_of(pod))]
        if was_injected(resource) and PROXY_CONTAINER in names and not is_gateway(resource):
            yield pod


def _plainness(pod: Object, revision: str) -> tuple[bool, int, tuple[str, str]]:
    """Order of patterns: the same revision first, then those that asked for the least."""
    asked = [
        name for name in annotations_of(pod) if name.startswith((_TRAFFIC, *_RESOURCES, CONFIG))
    ]
    return got_revision(as_pod(pod)) != revision, len(asked), name_of(pod)


def pattern(state: State, revision: str) -> Object:
    """A pod to take the sidecar from: an injected one of this mesh, else Istio's default form."""
    found = [*_patterns(state.recorded), *_patterns(state.objects)]
    if found:
        return min(found, key=lambda pod: _plainness(pod, revision))
    return default_pattern(istiod_image(state, revision))


def istiod_image(state: State, revision: str) -> str:
    """The image of the revision's istiod; empty where it was not read."""
    return str(istiod_container(state.objects, revision).get("image") or "")


def _proxy_image(image: str, istiod: str, annotations: Mapping[str, str]) -> str:
    """The pattern's image at the version of the istiod that injects."""
    if written := annotations.get("sidecar.istio.io/proxyImage"):
        return written
    hub, _, name = image.rpartition("/")
    stem, colon, tag = name.partition(":")
    version = istiod.rpartition("/")[2].partition(":")[2]
    if not (colon and version):
        return image
    variant = "-distroless" if tag.endswith("-distroless") else ""
    return f"{hub}/{stem}:{version.removesuffix('-distroless')}{variant}"


def _arguments(arguments: list[Any], annotations: Mapping[str, str]) -> list[Any]:
    """istio-iptables' arguments with this pod's traffic annotations."""
    made: list[Any] = []
    skip = False
    seen = [one for one in arguments if one in _FLAGS]
    for index, word in enumerate(arguments):
        if skip:
            skip = False
            continue
        if word in _FLAGS and index + 1 < len(arguments):
            skip = True
            made += _flag(str(word), annotations)
        else:
            made.append(word)
    for flag in _FLAGS:
        if flag not in seen and _FLAGS[flag][0] in annotations:
            made += _flag(flag, annotations)
    return made


def _flag(flag: str, annotations: Mapping[str, str]) -> list[str]:
    annotation, default = _FLAGS[flag]
    value = annotations.get(annotation, default)
    if value is None:
        return []
    if flag == "-d":
        value = ",".join(part for part in (_PROXY_PORTS, value) if part)
    return [flag, value]


def _discovery(variables: list[dict[str, Any]], revision: str) -> dict[str, str]:
    """The setting that leads a proxy to an istiod that is not the default one."""
    if revision == DEFAULT_REVISION:
        return {}
    address = next((one["value"] for one in variables if one["name"] == "CA_ADDR"), None)
    return {"discoveryAddress": address} if address else {}


def _environment(
    container: Mapping[str, Any], pod: Object, workload: str, kind: str, revision: str
) -> list[dict[str, Any]]:
    """The proxy's variables that speak of the application, or of the control plane."""
    applications = [as_mapping(one) for one in as_list(spec_of(pod).get("containers"))]
    namespace = name_of(pod)[0]
    plural = f"{kind.lower()}s"
    group = "batch" if kind == "Job" else "apps"
    ports = [port for one in applications for port in as_list(one.get("ports"))]
    told = {
        "ISTIO_META_POD_PORTS": json.dumps(ports),
        "ISTIO_META_APP_CONTAINERS": ",".join(str(one.get("name")) for one in applications),
        "ISTIO_META_WORKLOAD_NAME": workload,
        "ISTIO_META_OWNER": f"kubernetes://apis/{group}/v1/namespaces/{namespace}/{plural}/{workload}",
    }
    kept = (as_mapping(one) for one in as_list(container.get("env")))
    return [
        {**one, "value": told.get(str(one.get("name")), _address(one["value"], revision))}
        if "value" in one
        else dict(one)
        for one in kept
        if one.get("name") != "ISTIO_KUBE_APP_PROBERS"
    ]


def _resources(container: Mapping[str, Any], annotations: Mapping[str, str]) -> dict[str, Any]:
    """The mesh's own, or what annotations say: with one of them nothing of the mesh's is left."""
    made: dict[str, Any] = {}
    for annotation, (edge, name) in _RESOURCES.items():
        if annotation in annotations:
            made.setdefault(edge, {})[name] = annotations[annotation]
    return made or dict(as_mapping(container.get("resources")))


def _address(text: object, revision: str) -> object:
    """A variable that names an istiod, led to the one of a revision."""
    service = "istiod" if revision == DEFAULT_REVISION else f"istiod-{revision}"
    return _ISTIOD.sub(service, text) if isinstance(text, str) else text


def _without_token(container: Mapping[str, Any], gone: set[str]) -> dict[str, Any]:
    mounts = [one for one in as_list(container.get("volumeMounts")) if one.get("name") not in gone]
    return {**container, "volumeMounts": mounts}


def _canonical(labels: Mapping[str, str], workload: str) -> dict[str, str]:
    """The labels that injection adds where they are missing (pkg/kube/inject)."""
    name = (
        labels.get("service.istio.io/canonical-name")
        or labels.get("app.kubernetes.io/name")
        or labels.get("app")
        or workload
    )
    revision = (
        labels.get("service.istio.io/canonical-revision")
        or labels.get("app.kubernetes.io/version")
        or labels.get("version")
        or "latest"
    )
    return {
        "security.istio.io/tlsMode": "istio",
        "service.istio.io/canonical-name": name,
        "service.istio.io/canonical-revision": revision,
    }


@dataclass(frozen=True, slots=True)
class _Added:
    """What the injector puts into a pod."""

    init: list[dict[str, Any]]
    main: list[dict[str, Any]]
    volumes: list[dict[str, Any]]
    status: str
    """Of the annotation that tells what was injected."""
    first: bool
    """Whether the proxy stands before the applications."""


def _added(state: State, pod: Object, revision: str, workload: str, kind: str) -> _Added:
    """What the injector adds to a pod, made of what it added to the pattern."""
    model, istiod = pattern(state, revision), istiod_image(state, revision)
    native = wants_native(state, revision, annotations_of(pod))
    if native is not None:
        model = in_form(model, native=native)
    status = as_mapping(json.loads(annotations_of(model).get(_STATUS) or "{}"))
    spec, own = spec_of(model), annotations_of(pod)
    volumes = set(as_list(status.get("volumes")))
    token = {one["name"] for one in as_list(spec.get("volumes")) if one["name"] not in volumes}
    settings = own_settings(own)
    marked = {**pod, "metadata": {**pod["metadata"], "annotations": {**own, REVISION: revision}}}
    waits = holds_application(state.mesh, as_pod(marked), settings)
    asked = next((o for o in containers_of(spec_of(pod)) if o.get("name") == PROXY_CONTAINER), {})

    def adapted(container: Mapping[str, Any]) -> dict[str, Any]:
        made = _without_token(container, token)
        if "image" in made and istiod:
            made["image"] = _proxy_image(str(made["image"]), istiod, own)
        made["resources"] = _resources(made, own)
        if made.get("name") == PROXY_CONTAINER:
            made["env"] = _environment(made, pod, workload, kind, revision)
            led = _discovery(made["env"], revision)
            made = overlaid(configured(made, {**led, **settings}, waits=waits), asked)
        elif "istio-iptables" in as_list(made.get("args")):
            made["args"] = _arguments(as_list(made.get("args")), own)
        return made

    names = [*as_list(status.get("initContainers")), *as_list(status.get("containers"))]
    taken = [adapted(one) for one in containers_of(spec) if one.get("name") in names]
    main = [one for one in taken if one["name"] == PROXY_CONTAINER and not is_native(one)]
    init = [one for one in taken if one not in main]
    told = {
        **status,
        "initContainers": [one["name"] for one in init],
        "containers": [one["name"] for one in main] or None,
        "revision": revision,
    }
    mounted = [one for one in as_list(spec.get("volumes")) if one["name"] in volumes]
    return _Added(init, main, mounted, json.dumps(told, separators=(",", ":")), first=waits)


def injected(state: State, pod: Object, revision: str, workload: str, kind: str) -> dict[str, Any]:
    """A pod with its sidecar.

    Args:
        state: the moment.
        pod: as its controller created it.
        revision: of the control plane that injects.
        workload: name of the workload above the pod.
        kind: the workload's kind.

    Raises:
        SettingsError: the pod's own settings of its proxy cannot be read.
    """
    added = _added(state, pod, revision, workload, kind)
    init, main = (
        [one for one in as_list(spec_of(pod).get(key)) if one.get("name") != PROXY_CONTAINER]
        for key in ("initContainers", "containers")
    )
    first = str(as_mapping(next(iter(main), {})).get("name"))
    whole = {
        **pod,
        "metadata": {
            **pod["metadata"],
            "labels": {**_canonical(labels_of(pod), workload), **labels_of(pod)},
            "annotations": {
                "kubectl.kubernetes.io/default-container": first,
                "kubectl.kubernetes.io/default-logs-container": first,
                "prometheus.io/path": "/stats/prometheus",
                "prometheus.io/port": "15020",
                "prometheus.io/scrape": "true",
                **annotations_of(pod),
                REVISION: revision,
                _STATUS: added.status,
            },
        },
        "spec": {
            **spec_of(pod),
            "initContainers": [*added.init, *init],
            "containers": [*added.main, *main] if added.first else [*main, *added.main],
            "volumes": [*as_list(spec_of(pod).get("volumes")), *added.volumes],
        },
    }
    return rewritten_probes(whole)


def injected_gateway(state: State, pod: Object) -> dict[str, Any]:
    """A pod that the injector's ``gateway`` template makes: as its like was made before.

    Args:
        state: the moment.
        pod: whose container's image is ``auto``.
    """
    wanted = {k: v for k, v in labels_of(pod).items() if k != "pod-template-hash"}
    for model in (*state.recorded.all(PODS), *state.objects.all(PODS)):
        same = wanted.items() <= labels_of(model).items() and was_injected(as_pod(model))
        if same and name_of(model)[0] == name_of(pod)[0]:
            annotations = {**annotations_of(model), **annotations_of(pod)}
            labels = {**labels_of(model), **labels_of(pod)}
            kept = {k: v for k, v in spec_of(model).items() if k != "nodeName"}
            metadata = {**pod["metadata"], "labels": labels, "annotations": annotations}
            return {**pod, "metadata": metadata, "spec": kept}
    return dict(pod)

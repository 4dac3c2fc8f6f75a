"""What istiod's injector makes of a pod: the sidecar that other pods of this mesh got, adapted.

The injector's templates are not in a recording, so a pod that it injected serves as the pattern:
native or classic sidecar, istio-init or istio-validation are then as in this very mesh.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from meshdoctor.drill.injecting_default import default_pattern
from meshdoctor.drill.injecting_native import in_form, istiod_container, wants_native
from meshdoctor.drill.injecting_probes import rewritten_probes
from meshdoctor.drill.objects import PODS, annotations_of, labels_of, spec_of
from meshdoctor.drill.pods import as_pod, containers_of
from meshdoctor.intent.inbound_capture import EXCLUDE_INBOUND_PORTS, INCLUDE_INBOUND_PORTS
from meshdoctor.intent.revision_labels import REVISION
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
    asked = [name for name in annotations_of(pod) if name.startswith((_TRAFFIC, *_RESOURCES))]
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


def _environment(
    container: Mapping[str, Any], pod: Object, workload: str, kind: str
) -> list[dict[str, Any]]:
    """The proxy's variables that speak of the application."""
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
        {**one, "value": told[name]} if (name := str(one.get("name"))) in told else dict(one)
        for one in kept
        if one.get("name") != "ISTIO_KUBE_APP_PROBERS"
    ]


def _resources(container: Mapping[str, Any], annotations: Mapping[str, str]) -> dict[str, Any]:
    made = {k: dict(as_mapping(v)) for k, v in as_mapping(container.get("resources")).items()}
    for annotation, (edge, name) in _RESOURCES.items():
        if annotation in annotations:
            made.setdefault(edge, {})[name] = annotations[annotation]
    return made


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


def injected(state: State, pod: Object, revision: str, workload: str, kind: str) -> dict[str, Any]:
    """A pod with its sidecar.

    Args:
        state: the moment.
        pod: as its controller created it.
        revision: of the control plane that injects.
        workload: name of the workload above the pod.
        kind: the workload's kind.
    """
    model, istiod = pattern(state, revision), istiod_image(state, revision)
    native = wants_native(state, revision, annotations_of(pod))
    if native is not None:
        model = in_form(model, native=native)
    status = as_mapping(json.loads(annotations_of(model).get(_STATUS) or "{}"))
    added_init = as_list(status.get("initContainers"))
    added = as_list(status.get("containers"))
    volumes = set(as_list(status.get("volumes")))
    spec, own = spec_of(model), annotations_of(pod)
    token = {one["name"] for one in as_list(spec.get("volumes")) if one["name"] not in volumes}

    def adapted(container: Mapping[str, Any]) -> dict[str, Any]:
        made = _without_token(container, token)
        if "image" in made and istiod:
            made["image"] = _proxy_image(str(made["image"]), istiod, own)
        made["resources"] = _resources(made, own)
        if made.get("name") == PROXY_CONTAINER:
            made["env"] = _environment(made, pod, workload, kind)
        elif "istio-iptables" in as_list(made.get("args")):
            made["args"] = _arguments(as_list(made.get("args")), own)
        return made

    init = [
        adapted(one) for one in as_list(spec.get("initContainers")) if one["name"] in added_init
    ]
    extra = [adapted(one) for one in as_list(spec.get("containers")) if one["name"] in added]
    mounted = [one for one in as_list(spec.get("volumes")) if one["name"] in volumes]
    first = str(as_mapping(next(iter(as_list(spec_of(pod).get("containers"))), {})).get("name"))
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
                **own,
                REVISION: revision,
                _STATUS: json.dumps({**status, "revision": revision}, separators=(",", ":")),
            },
        },
        "spec": {
            **spec_of(pod),
            "initContainers": [*init, *as_list(spec_of(pod).get("initContainers"))],
            "containers": [*as_list(spec_of(pod).get("containers")), *extra],
            "volumes": [*as_list(spec_of(pod).get("volumes")), *mounted],
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

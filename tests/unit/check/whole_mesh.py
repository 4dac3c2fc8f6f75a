"""A small mesh in which every check holds, to be broken one way at a time."""

from __future__ import annotations

import base64
import copy
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from meshdoctor.analyze.istio_crds import wanted
from meshdoctor.check.run import check
from meshdoctor.model.finding import Outcome
from tests.build import NOW, istio_object, mesh, namespace, pod, service
from tests.unit.analyze.control_plane_build import (
    ROOT,
    ago,
    endpoint_slice,
    injected,
    istiod_deployment,
    istiod_pod,
    istiod_service,
    knowing,
    sync,
    webhook,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshdoctor.check.report import Checked
    from meshdoctor.model.istiod import Istiod
    from meshdoctor.model.kinds import Kind
    from meshdoctor.model.snapshot import Snapshot

Objects = dict[str, dict[str, Any]]
IMAGE = "docker.io/istio/pilot:1.30.2"
GATEWAY = "istio-ingressgateway"
V1_22 = (("v1", True, True), ("v1beta1", True, False), ("v1alpha3", True, False))


@cache
def certificate(name: str = "root", days: int = 3650) -> str:
    """A self-signed certificate as PEM, valid for so many days from the snapshot's moment."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=3650))
        .not_valid_after(NOW + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


def base64_of(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def config_map(name: str, where: str, **data: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": where},
        "data": {key.replace("__", ".").replace("_", "-"): text for key, text in data.items()},
    }


def root_map(where: str, pem: str | None = None) -> dict[str, Any]:
    return config_map("istio-ca-root-cert", where, root_cert__pem=pem or certificate())


def crd(
    name: str, versions: Iterable[tuple[str, bool, bool]] = (), **annotations: str
) -> dict[str, Any]:
    """A CustomResourceDefinition; versions are (name, served, storage)."""
    described = [{"name": n, "served": served, "storage": s} for n, served, s in versions]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": name, "annotations": annotations},
        "spec": {"versions": described} if described else {},
        "status": {
            "storedVersions": [item["name"] for item in described if item["storage"]],
            "conditions": [
                {"type": "NamesAccepted", "status": "True"},
                {"type": "Established", "status": "True"},
            ],
        },
    }


def istio_crds() -> Objects:
    found = {}
    for name, version in wanted(30).items():
        versions = V1_22 if version == "v1" else ((version, True, True),)
        found[f"crd {name}"] = crd(name, versions)
    return found


def validation(revision: str = "default", **fields: Any) -> dict[str, Any]:
    name = "istiod" if revision == "default" else f"istiod-{revision}"
    entry = {
        "name": "rev.validation.istio.io",
        "clientConfig": {
            "service": {"name": name, "namespace": ROOT},
            "caBundle": base64_of(certificate()),
        },
        "failurePolicy": "Fail",
        "rules": [{"apiGroups": ["networking.istio.io"], "operations": ["*"]}],
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": f"istio-validator-{revision}", "labels": {"istio.io/rev": revision}},
        "webhooks": [{**entry, **fields}],
    }


def injection(revision: str = "default", tag: str = "") -> dict[str, Any]:
    made = webhook(revision, tag)
    for entry in made["webhooks"]:
        entry["clientConfig"]["caBundle"] = base64_of(certificate())
    return made


def full_service(revision: str = "default") -> dict[str, Any]:
    made = istiod_service(revision)
    made["spec"]["ports"] += [{"port": 15010, "targetPort": 15010}, {"port": 15014}]
    return made


def gateway_pod(*, ready: bool = True) -> dict[str, Any]:
    labels = {"app": GATEWAY, "istio": "ingressgateway"}
    made = pod(f"{GATEWAY}-0", ROOT, owner=GATEWAY, labels=labels, proxy="classic", ready=ready)
    made["spec"]["containers"] = made["spec"]["containers"][1:]
    made["status"]["containerStatuses"] = made["status"]["containerStatuses"][1:]
    made["metadata"]["labels"]["istio.io/rev"] = "default"
    return made


def gateway_deployment(replicas: int = 1) -> dict[str, Any]:
    labels = {"app": GATEWAY, "istio": "ingressgateway"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": GATEWAY, "namespace": ROOT},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "istio-proxy", "image": "auto"}]},
            },
        },
        "status": {"replicas": replicas, "updatedReplicas": replicas},
    }


def gateway_slice(*, ready: bool = True) -> dict[str, Any]:
    made = copy.deepcopy(endpoint_slice(ready=ready))
    made["metadata"]["name"] = f"{GATEWAY}-x"
    made["metadata"]["labels"] = {"kubernetes.io/service-name": GATEWAY}
    return made


def daemon_set(name: str, label: tuple[str, str], *, wanted: int = 2, ready: int = 2) -> Any:
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": name, "namespace": ROOT},
        "spec": {"template": {"metadata": {"labels": dict([label])}}},
        "status": {
            "desiredNumberScheduled": wanted,
            "numberReady": ready,
            "updatedNumberScheduled": wanted,
        },
    }


def whole() -> Objects:
    """Every object of the mesh, by a short name."""
    return {
        **istio_crds(),
        "namespace istio-system": namespace(ROOT),
        "namespace shop": namespace("shop", istio_injection="enabled"),
        "istiod": istiod_deployment(),
        "istiod pod": istiod_pod(),
        "istiod service": full_service(),
        "istiod endpoints": endpoint_slice(ready=True),
        "mesh config": config_map("istio", ROOT, mesh="{}"),
        "injector config": config_map("istio-sidecar-injector", ROOT, values="{}"),
        "root istio-system": root_map(ROOT),
        "root shop": root_map("shop"),
        "injection": injection(),
        "validation": validation(),
        "gateway": gateway_deployment(),
        "gateway pod": gateway_pod(),
        "gateway service": service(GATEWAY, ROOT, selector={"app": GATEWAY}),
        "gateway endpoints": gateway_slice(),
        "gateway object": istio_object(
            "Gateway",
            "web",
            group="networking.istio.io",
            selector={"istio": "ingressgateway"},
            servers=[],
        ),
        "web": injected("web", created=ago(hours=1)),
    }


PROXIES = ("web.shop", f"{GATEWAY}-0.{ROOT}")


def snapshot(
    objects: Objects,
    *,
    connected: Iterable[str] = PROXIES,
    istiods: Iterable[Istiod] | None = None,
    unread: Iterable[Kind] = (),
) -> Snapshot:
    """The mesh as it was read, with the proxies that istiod knows."""
    known = [knowing(*(sync(name) for name in connected))] if istiods is None else istiods
    return mesh(list(copy.deepcopy(objects).values()), istiods=known, unread=unread)


def found(made: Snapshot) -> dict[str, Checked]:
    """Every check of a mesh by id."""
    return {item.id: item for item in check(made).checks}


def troubles(made: Snapshot) -> dict[str, Outcome]:
    """The checks that neither pass nor are skipped."""
    quiet = (Outcome.PASS, Outcome.SKIP)
    return {name: item.outcome for name, item in found(made).items() if item.outcome not in quiet}


FAIL, WARN, UNKNOWN = Outcome.FAIL, Outcome.WARN, Outcome.UNKNOWN

"""Rows of ``certificates``: what is there, how long it lasts, whose root it is."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

from meshdoctor.model.kinds import CONFIG_MAP, MUTATING_WEBHOOK, SECRET
from meshdoctor.views.certificate_row import CertificateRow, MeshRoot, State
from meshdoctor.views.certificates import rows, rows_as_json
from tests.build import NOW, istio_object, mesh, pod, proxy
from tests.unit.analyze.certificate_build import (
    ca_secret,
    config_map,
    holding,
    intermediate,
    leaf,
    root,
    secrets_dump,
)

ROOT = root("view-root")
OTHER = root("view-other")
MIDDLE = intermediate(ROOT, "view-middle")
POD, LATE = "cart-0", "store-0"


def one(found: tuple[CertificateRow, ...], what: str) -> CertificateRow:
    chosen = [row for row in found if row.what == what]
    assert len(chosen) == 1
    return chosen[0]


def webhook(bundle: str) -> dict[str, Any]:
    service = {"name": "istiod", "namespace": "istio-system"}
    config = {"service": service, "caBundle": base64.b64encode(bundle.encode()).decode()}
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "istio-sidecar-injector"},
        "webhooks": [
            {"name": "namespace.sidecar-injector.istio.io", "clientConfig": config},
            {"name": "other.example.com", "clientConfig": {}},
        ],
    }


def tls_secret(name: str, pem: str) -> dict[str, Any]:
    data = {"tls.crt": base64.b64encode(pem.encode()).decode(), "tls.key": "UkVEQUNURUQ="}
    metadata = {"name": name, "namespace": "istio-system"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}


def test_a_healthy_mesh_leads_to_one_root() -> None:
    found = rows(
        mesh(
            [config_map("istio-system", ROOT), webhook(ROOT.pem), pod(POD)],
            proxies=[holding(POD, leaf(MIDDLE) + MIDDLE.pem, ROOT)],
        )
    )
    assert [row.what for row in found] == ["root", "webhook", "proxy"]
    assert {row.mesh_root for row in found} == {MeshRoot.MATCH}
    assert {row.state for row in found} == {State.VALID}
    assert len({row.roots for row in found}) == 1
    own = one(found, "proxy")
    assert own.identity == "spiffe://cluster.local/ns/shop/sa/client"
    assert [item.is_ca for item in own.chain] == [False, True]
    assert own.days_text == "23 h"
    assert not any(row.is_fault for row in found)


def test_roots_that_differ_are_faults_wherever_they_lie() -> None:
    found = rows(
        mesh(
            [config_map("istio-system", ROOT), config_map("shop", OTHER), webhook(OTHER.pem)],
            proxies=[holding(POD, leaf(OTHER), OTHER)],
        )
    )
    differing = [row.what for row in found if row.mesh_root is MeshRoot.DIFFERS]
    assert differing == ["root", "webhook", "proxy"]
    assert all(row.is_fault for row in found if row.mesh_root is MeshRoot.DIFFERS)


def test_the_ca_and_its_root_are_rows_of_their_own() -> None:
    found = rows(mesh([ca_secret(MIDDLE, ROOT), config_map("istio-system", ROOT)]))
    authority = [row for row in found if row.what == "CA"]
    assert [(row.name, row.mesh_root) for row in authority] == [
        ("ca-cert.pem", MeshRoot.NONE),
        ("root-cert.pem", MeshRoot.MATCH),
    ]


def test_what_was_not_read_says_so_and_is_never_valid() -> None:
    found = rows(mesh([pod(POD)], unread=[SECRET, CONFIG_MAP, MUTATING_WEBHOOK]))
    assert {row.what for row in found} == {"CA", "root", "webhook", "proxy"}
    assert {row.state for row in found} == {State.NOT_READ}
    assert {row.mesh_root for row in found} == {MeshRoot.UNKNOWN}
    assert all(row.why and row.days_left is None for row in found)
    assert not any(row.is_fault for row in found)


def test_a_dump_without_secrets_is_not_read_either() -> None:
    row = one(
        rows(mesh([pod(POD)], proxies=[proxy(POD, config=secrets_dump(None, None))])), "proxy"
    )
    assert (row.state, row.why) == (State.NOT_READ, "the recording holds no certificate of it")


def test_days_count_from_the_moment_of_the_snapshot() -> None:
    spent = leaf(ROOT, begin=NOW - timedelta(days=9), end=NOW - timedelta(days=2, hours=1))
    row = one(rows(mesh([pod(POD)], proxies=[holding(POD, spent, ROOT)])), "proxy")
    assert (row.state, row.days_left, row.is_fault) == (State.EXPIRED, -3, True)
    early = leaf(ROOT, begin=NOW + timedelta(hours=1), end=NOW + timedelta(days=2))
    row = one(rows(mesh([pod(POD)], proxies=[holding(POD, early, ROOT)])), "proxy")
    assert row.state is State.EARLY


def test_a_bundle_lasts_as_long_as_its_longest_root() -> None:
    near = root("view-near", end=NOW + timedelta(days=3, hours=1))
    alone = one(rows(mesh([config_map("istio-system", near)])), "root")
    assert (alone.state, alone.days_left) == (State.SOON, 3)
    both = one(rows(mesh([config_map("istio-system", near, ROOT)])), "root")
    assert (both.state, len(both.roots)) == (State.VALID, 2)


def test_a_gateways_secret_is_shown_and_one_that_is_lacking_too() -> None:
    servers = [
        {
            "port": {"number": 443, "name": name, "protocol": "HTTPS"},
            "hosts": [f"{name}.example"],
            "tls": {"mode": "SIMPLE", "credentialName": name},
        }
        for name in ("here", "gone")
    ]
    gateway = istio_object(
        "Gateway", "front", group="networking.istio.io", selector={"istio": "gw"}, servers=servers
    )
    router = pod("gw-0", "istio-system", labels={"istio": "gw"}, proxy=None)
    router["spec"]["containers"] = [{"name": "istio-proxy", "args": ["proxy", "router"]}]
    objects = [gateway, router, tls_secret("here", leaf(OTHER, uri="https://here.example"))]
    found = {row.holder: row for row in rows(mesh(objects)) if row.what == "gateway"}
    assert found["Secret istio-system/here"].mesh_root is MeshRoot.NONE
    lacking = found["Secret istio-system/gone"]
    assert (lacking.state, lacking.is_fault) == (State.MISSING, True)
    hidden = {row.holder: row for row in rows(mesh(objects, unread=[SECRET]))}
    assert hidden["Secret istio-system/here"].state is State.NOT_READ


def test_a_namespace_keeps_its_rows_and_those_of_none() -> None:
    objects = [config_map("istio-system", ROOT), config_map("shop", ROOT), webhook(ROOT.pem)]
    found = rows(mesh(objects), ["shop"])
    assert [(row.what, row.namespace) for row in found] == [("root", "shop"), ("webhook", "")]


def test_json_holds_the_chain_whole() -> None:
    made = mesh([pod(POD)], proxies=[holding(POD, leaf(MIDDLE) + MIDDLE.pem, ROOT)])
    (found,) = rows_as_json(rows(made))
    assert [item["subject"] for item in found["chain"]] == ["O=", "O=istiod"]
    assert found["days_left"] == 0
    assert found["source"] == "proxies/shop/cart-0/config_dump.json"

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from meshdoctor.intent.sidecar_scope import outbound_mode, sidecar_for
from meshdoctor.intent.visibility import Hider, Sight, sees
from meshdoctor.model.kinds import POD, SERVICE, SIDECAR
from tests.build import istio_object, istiod, mesh, namespace, pod, service

if TYPE_CHECKING:
    from meshdoctor.intent.visibility import View
    from meshdoctor.model.snapshot import Snapshot

HOST = "books.store.svc.cluster.local"
OUTSIDE = "api.partner.example"


def base() -> list[dict[str, Any]]:
    return [
        namespace("shop"),
        namespace("store"),
        service("books", "store"),
        pod("client", labels={"app": "client"}),
    ]


def sidecar(
    *hosts: str,
    name: str = "default",
    place: str = "shop",
    selector: dict[str, str] | None = None,
    created: str = "2026-11-21T07:00:00Z",
    **spec: Any,
) -> dict[str, Any]:
    if hosts:
        spec["egress"] = [{"hosts": list(hosts)}]
    if selector is not None:
        spec["workloadSelector"] = {"labels": selector}
    item = istio_object("Sidecar", name, place, **spec)
    item["metadata"]["creationTimestamp"] = created
    return item


def view(snapshot: Snapshot, host: str = HOST, port: int | None = 8080) -> View:
    client = snapshot.catalog.find(POD, "shop", "client")
    assert client is not None
    return sees(snapshot, client, host, port)


@pytest.mark.parametrize(
    ("entries", "seen"),
    [
        (["*/*"], True),
        (["store/*"], True),
        ([f"store/{HOST}"], True),
        (["*/*.store.svc.cluster.local"], True),
        (["./*", "istio-system/*"], False),
        (["~/*"], False),
        (["store/other.store.svc.cluster.local"], False),
        (["store/books"], False),
        ([], True),
    ],
)
def test_a_sidecar_lets_in_what_its_egress_names(entries: list[str], seen: bool) -> None:
    found = view(mesh([*base(), sidecar(*entries)]))
    assert found.sight is (Sight.SEEN if seen else Sight.HIDDEN)
    assert seen or (found.hider is Hider.SIDECAR and str(found.by) == "Sidecar shop/default")


def test_a_selector_beats_the_namespace_and_that_the_root_namespace() -> None:
    root = sidecar("~/*", place="istio-system", name="root")
    own = sidecar("./*", name="own")
    selecting = sidecar("*/*", name="mine", selector={"app": "client"})
    other = sidecar("~/*", name="another", selector={"app": "other"})
    everything = [*base(), root, own, selecting, other]
    client = next(iter(mesh(base()).catalog.of(POD)))
    chosen = [
        str(sidecar_for(mesh(objects), client))
        for objects in (everything, everything[:-2], everything[:-3], base())
    ]
    assert chosen == [
        "Sidecar shop/mine",
        "Sidecar shop/own",
        "Sidecar istio-system/root",
        "None",
    ]


def test_the_oldest_of_two_counts() -> None:
    old = sidecar("*/*", name="z", created="2026-11-21T05:00:00Z")
    assert view(mesh([*base(), sidecar("./*", name="a"), old])).sight is Sight.SEEN


def test_a_dot_in_the_root_namespaces_sidecar_means_the_clients_namespace() -> None:
    root = sidecar("./*", place="istio-system")
    snapshot = mesh([*base(), service("near"), root])
    assert view(snapshot, "near.shop.svc.cluster.local").sight is Sight.SEEN
    assert view(snapshot).sight is Sight.HIDDEN


def test_gateways_have_no_sidecar() -> None:
    edge = pod("client", labels={"app": "client"}, containers=[{"name": "istio-proxy"}])
    snapshot = mesh([*base()[:-1], edge, sidecar("~/*")])
    assert view(snapshot).sight is Sight.SEEN


def test_an_egress_listener_with_a_port_is_for_that_port_alone() -> None:
    listener = {"port": {"number": 9090, "protocol": "HTTP", "name": "http"}, "hosts": ["*/*"]}
    item = istio_object("Sidecar", "default", egress=[listener, {"hosts": ["./*"]}])
    assert view(mesh([*base(), item])).sight is Sight.HIDDEN
    listener["port"] = {"number": 8080, "protocol": "HTTP", "name": "http"}
    assert view(mesh([*base(), item])).sight is Sight.SEEN


def test_the_destination_of_a_rule_that_is_let_in_comes_along() -> None:
    route = [{"route": [{"destination": {"host": HOST}}]}]
    rule = istio_object("VirtualService", "books", hosts=[HOST], http=route)
    assert view(mesh([*base(), sidecar("./*"), rule])).sight is Sight.SEEN
    rule["metadata"]["namespace"] = "store"
    assert view(mesh([*base(), sidecar("./*"), rule])).sight is Sight.HIDDEN


@pytest.mark.parametrize(
    ("targets", "seen"),
    [(".", False), ("~", False), ("pay", False), ("pay, shop", True), ("*", True), ("", True)],
)
def test_a_service_is_seen_where_its_annotation_says(targets: str, seen: bool) -> None:
    objects = base()
    objects[2]["metadata"]["annotations"] = {"networking.istio.io/exportTo": targets}
    found = view(mesh(objects))
    assert found.sight is (Sight.SEEN if seen else Sight.HIDDEN)
    assert seen or (found.hider is Hider.EXPORT_TO and str(found.by) == "Service store/books")


def test_export_to_the_own_namespace_hides_nothing_there() -> None:
    near = service("near")
    near["metadata"]["annotations"] = {"networking.istio.io/exportTo": "."}
    assert view(mesh([*base(), near]), "near.shop.svc.cluster.local").sight is Sight.SEEN


def test_the_mesh_says_who_sees_what_says_nothing() -> None:
    control = istiod(mesh={"defaultServiceExportTo": ["."]})
    assert view(mesh(base(), istiods=[control])).hider is Hider.EXPORT_TO


def test_a_namespace_that_is_not_discovered_is_hidden() -> None:
    control = istiod(mesh={"discoverySelectors": [{"matchLabels": {"mesh": "yes"}}]})
    found = view(mesh(base(), istiods=[control]))
    assert (found.hider, str(found.by)) == (Hider.DISCOVERY, "Namespace store")
    labelled = [namespace("shop"), namespace("store", mesh="yes"), *base()[2:]]
    assert view(mesh(labelled, istiods=[control])).sight is Sight.SEEN


def test_a_service_entry_is_seen_where_its_export_says() -> None:
    port = {"number": 443, "name": "tls", "protocol": "TLS"}
    entry = istio_object("ServiceEntry", "ext", "store", hosts=[OUTSIDE], ports=[port])
    assert view(mesh([*base(), entry]), OUTSIDE, 443).sight is Sight.SEEN
    assert view(mesh([*base(), entry]), OUTSIDE, 80).sight is Sight.ABSENT
    entry["spec"]["exportTo"] = ["."]
    assert str(view(mesh([*base(), entry]), OUTSIDE, 443).by) == "ServiceEntry store/ext"


def test_one_of_two_that_is_seen_is_enough() -> None:
    port = {"number": 443, "name": "tls", "protocol": "TLS"}
    hidden = istio_object(
        "ServiceEntry", "a", "store", hosts=[OUTSIDE], ports=[port], exportTo=["."]
    )
    open_one = istio_object("ServiceEntry", "b", "store", hosts=[OUTSIDE], ports=[port])
    assert view(mesh([*base(), hidden, open_one]), OUTSIDE, 443).sight is Sight.SEEN


def test_what_was_not_read_is_unknown() -> None:
    assert view(mesh(base(), unread=[SIDECAR])).needs == (SIDECAR.input,)
    assert view(mesh(base(), unread=[SERVICE])).needs == (SERVICE.input,)
    assert view(mesh(base()), "nobody.example").sight is Sight.ABSENT


def config_map(text: str) -> dict[str, Any]:
    metadata = {"name": "istio", "namespace": "istio-system"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"mesh": text}}


@pytest.mark.parametrize(
    ("control", "text", "mode"),
    [
        ({"outboundTrafficPolicy": {}}, "", "REGISTRY_ONLY"),
        ({"outboundTrafficPolicy": {"mode": "ALLOW_ANY"}}, "", "ALLOW_ANY"),
        (None, "outboundTrafficPolicy:\n  mode: REGISTRY_ONLY\n", "REGISTRY_ONLY"),
        (None, "accessLogFile: /dev/stdout\n", "ALLOW_ANY"),
        (None, ": [garbled", "ALLOW_ANY"),
    ],
)
def test_the_mode_is_the_mesh_config_in_force(
    control: dict[str, Any] | None, text: str, mode: str
) -> None:
    objects = [*base(), config_map(text)]
    snapshot = mesh(objects, istiods=[istiod(mesh=control)])
    found = outbound_mode(snapshot, next(iter(snapshot.catalog.of(POD))))
    assert (found.mode, found.sidecar, found.is_known) == (mode, None, True)
    assert found.config.name == "ConfigMap istio-system/istio"


def test_a_sidecars_own_mode_comes_before_the_meshs() -> None:
    item = sidecar("*/*", outboundTrafficPolicy={"mode": "REGISTRY_ONLY"})
    snapshot = mesh([*base(), item], istiods=[istiod(mesh={})])
    found = outbound_mode(snapshot, next(iter(snapshot.catalog.of(POD))))
    assert (found.mode, str(found.sidecar)) == ("REGISTRY_ONLY", "Sidecar shop/default")

"""Requests that do not end at the first sidecar's own clusters: passthrough, TCP, gateways."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from meshdoctor.model.kinds import POD
from meshdoctor.model.trace import Place, Request
from meshdoctor.trace.walk import walk
from tests import build
from tests.unit.parse.envoy import dumps
from tests.unit.trace.trace_build import (
    DELIVERED,
    HOST,
    OUT,
    SERVER_IP,
    Mesh,
    endpoint,
    ends,
    inbound_chain,
)

GATEWAY_IP = "10.244.0.30"
AUTOMATIC = {**dumps.cluster(OUT), "transport_socket_matches": dumps.automatic_tls()}


class TestPassthrough:
    """A host that the proxy does not know, though Kubernetes does."""

    def mesh(self, **fields: Any) -> Mesh:
        hidden = Mesh(**fields)
        hidden.routes = []
        hidden.cluster = None
        hidden.endpoints = []
        hidden.objects.append(
            build.service("hidden", selector={"app": "ratings"}, clusterIP="10.96.0.20")
        )
        hidden.objects.append(
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": {
                    "name": "hidden-1",
                    "namespace": "shop",
                    "labels": {"kubernetes.io/service-name": "hidden"},
                },
                "endpoints": [{"addresses": [SERVER_IP]}],
            }
        )
        return hidden

    def test_plaintext_goes_on_to_the_pods_behind_the_service(self) -> None:
        assert ends(self.mesh().walk(host="hidden")) == [DELIVERED]

    def test_a_strict_server_closes_it(self) -> None:
        found = self.mesh(inbound=[inbound_chain(tls=True)]).walk(host="hidden")
        assert ends(found) == [(503, "UC")]

    def test_a_port_that_the_service_lacks_leads_nowhere(self) -> None:
        found = self.mesh().walk(host="hidden", port=9191)
        assert found.fails
        assert found.outcomes[0].objects == ("Service shop/hidden",)

    def test_a_host_outside_the_cluster_is_taken_to_answer_and_said_to_be_unknown(self) -> None:
        found = self.mesh().walk(host="api.example.com")
        assert ends(found) == [DELIVERED]
        assert [gap.decisive for gap in found.unknown] == [False]


class TestGatewayFromOutside:
    def walk(
        self, *, host: str = "shop.example.com", chains: tuple[Any, ...] = (), **request: Any
    ) -> Any:
        own = dumps.host("shop", dumps.to(OUT), domains=("shop.example.com",))
        named = {**dumps.route_config("http.8080", own), "ignore_port_in_host_matching": True}
        routes = dumps.routes(named)
        cluster = {
            **dumps.cluster(OUT),
            "transport_socket_matches": dumps.automatic_tls(),
            "common_lb_config": {"healthy_panic_threshold": {}},
        }
        inspectors = [{"name": "envoy.filters.listener.tls_inspector"}]
        taken = chains or (dumps.chain(dumps.http("http.8080")),)
        config = dumps.read(
            dumps.clusters(cluster),
            dumps.listeners(
                dumps.listener("0.0.0.0_8080", 8080, *taken, listener_filters=inspectors)
            ),
            routes,
            dumps.endpoints(dumps.assignment(OUT, endpoint())),
        )
        below = Mesh()
        router = build.pod("router", ip=GATEWAY_IP, labels={"istio": "gw"}, proxy=None)
        router["spec"]["containers"] = [{"name": "istio-proxy", "image": "proxyv2"}]
        ports = [{"port": 80, "targetPort": 8080}]
        below.objects += [router, build.service("router", selector={"istio": "gw"}, ports=ports)]
        mesh = below.snapshot()
        proxies = [*mesh.proxies.values(), build.proxy("router", config=config)]
        mesh = type(mesh).build(mesh.about, mesh.catalog, (), proxies, ())
        pod = mesh.catalog.find(POD, "shop", "router")
        assert pod is not None
        asked = Request(client=pod, host=host, port=80, from_gateway=True)
        return walk(mesh, replace(asked, **request))

    @pytest.mark.parametrize("port", [80, 8080])
    def test_the_service_s_port_leads_to_the_listener_of_its_target_port(self, port: int) -> None:
        found = self.walk(port=port)
        assert ends(found) == [DELIVERED]
        assert any(hop.name == "0.0.0.0_8080" for hop in found.hops)

    def test_a_host_without_a_virtual_host_is_nr(self) -> None:
        assert ends(self.walk(host="other.example.com")) == [(404, "NR")]

    def test_a_port_without_a_listener_is_refused(self) -> None:
        found = self.walk(port=8443)
        assert (found.outcomes[0].details, found.fails) == ("connection refused", True)

    def test_a_server_name_that_no_chain_has_is_closed(self) -> None:
        own = dumps.chain(
            dumps.http("http.8080"), filter_chain_match={"server_names": ["shop.example.com"]}
        )
        assert ends(self.walk(chains=(own,), host="a.example", tls=True)) == [(0, "NR")]

    def test_a_secret_that_never_came_fails_the_handshake(self) -> None:
        names = [{"name": "kubernetes://shop-cert"}]
        kind = "transport_sockets.tls.v3.DownstreamTlsContext"
        context = {"tls_certificate_sds_secret_configs": names}
        tls = {"name": "tls", "typed_config": dumps.typed(kind, common_tls_context=context)}
        own = dumps.chain(
            dumps.http("http.8080"),
            filter_chain_match={"server_names": ["shop.example.com"]},
            transport_socket=tls,
        )
        found = self.walk(chains=(own,), tls=True)
        assert found.outcomes[0].details == "connection reset by peer"
        assert "kubernetes://shop-cert" in found.outcomes[0].because


class TestGatewayInTheMiddle:
    def walk(self, *routes: dict[str, Any]) -> Any:
        config = dumps.read(
            dumps.clusters(AUTOMATIC),
            dumps.listeners(
                dumps.listener("0.0.0.0_8080", 8080, dumps.chain(dumps.http("http.8080")))
            ),
            dumps.routes(dumps.route_config("http.8080", dumps.host("all", *routes))),
            dumps.endpoints(dumps.assignment(OUT, endpoint())),
        )
        mesh = Mesh(endpoints=[endpoint(GATEWAY_IP, tls="")])
        router = build.pod("egress", ip=GATEWAY_IP, labels={"istio": "egress"}, proxy=None)
        router["spec"]["containers"] = [{"name": "istio-proxy", "image": "proxyv2"}]
        mesh.objects.append(router)
        below = mesh.snapshot()
        proxies = [*below.proxies.values(), build.proxy("egress", config=config)]
        built = type(below).build(below.about, below.catalog, (), proxies, ())
        client = built.catalog.find(POD, "shop", "client")
        assert client is not None
        return walk(built, Request(client=client, host=HOST, port=8080))

    def test_the_request_goes_on_through_the_gateway(self) -> None:
        found = self.walk(dumps.to(OUT))
        assert ends(found) == [DELIVERED]
        assert {hop.proxy for hop in found.hops} >= {"client.shop", "egress.shop", "ratings.shop"}

    def test_what_the_gateway_answers_itself_comes_by_way_of_the_client_s_proxy(self) -> None:
        found = self.walk(dumps.to(OUT, prefix="/elsewhere"))
        (outcome,) = found.outcomes
        assert (outcome.status, outcome.flags, outcome.details) == (404, (), "via_upstream")
        assert (outcome.origin_flags, outcome.place) == (("NR",), Place.SERVER_PROXY)


class TestTcp:
    def test_a_tcp_port_has_no_status_and_knows_no_route(self) -> None:
        mesh = Mesh(routes=[dumps.to("gone")])
        snapshot = mesh.snapshot()
        client = snapshot.proxies["client.shop"]
        chain = dumps.chain(dumps.tcp(OUT))
        config = dumps.read(
            dumps.clusters(AUTOMATIC),
            dumps.listeners(dumps.listener("0.0.0.0_8080", 8080, chain, bind_to_port=False)),
            dumps.endpoints(dumps.assignment(OUT, endpoint())),
        )
        proxies = [replace(client, config=config), snapshot.proxies["ratings.shop"]]
        built = type(snapshot).build(snapshot.about, snapshot.catalog, (), proxies, ())
        pod = built.catalog.find(POD, "shop", "client")
        assert pod is not None
        found = walk(built, Request(client=pod, host="ratings", port=8080))
        assert [(o.status, o.flags, o.delivered) for o in found.outcomes] == [(0, (), True)]
        assert any("HTTP rules do not count" in hop.because for hop in found.hops)

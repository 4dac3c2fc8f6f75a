from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from meshdoctor.analyze.hidden_destinations import ANALYZER
from meshdoctor.analyze.hidden_routes import ANALYZER as ROUTES
from meshdoctor.analyze.registry_only import ANALYZER as OUTSIDE
from meshdoctor.model.kinds import PEER_AUTHENTICATION, SERVICE_ENTRY, SIDECAR
from tests.build import istio_object, istiod, mesh, namespace, pod, service
from tests.build import proxy as read_proxy
from tests.unit.analyze.gateway_build import EDGE, SELECTOR, front
from tests.unit.analyze.traffic_build import (
    CLIENT,
    client,
    client_pod,
    dump,
    line,
    log,
    named,
    no_cluster,
    passed,
    problems,
    unknowns,
)

if TYPE_CHECKING:
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.snapshot import Snapshot

BOOKS = "books.store.svc.cluster.local"
VIP = "10.96.0.77"
SUBJECT = f"destination {BOOKS}:8080"
EXPORT = "networking.istio.io/exportTo"
ALLOW = istiod(mesh={"outboundTrafficPolicy": {"mode": "ALLOW_ANY"}})
REFUSE = istiod(mesh={"outboundTrafficPolicy": {}})


def refused(authority: str = "books.store:8080", local: str = f"{VIP}:8080", **more: Any) -> str:
    text = line(code=502, details="direct_response", authority=authority, local=local, **more)
    return text.replace(" - default", " - block_all")


def passed_on(*, code: int = 503, details: str = "upstream_reset{connection_termination}") -> str:
    flags = "UC" if code == 503 else "-"
    return line(
        "PassthroughCluster",
        code=code,
        flags=flags,
        details=details,
        authority="books.store:8080",
        local=f"{VIP}:8080",
    )


def shop(*more: dict[str, Any], export: str = "") -> list[dict[str, Any]]:
    books = service("books", "store", clusterIP=VIP)
    if export:
        books["metadata"]["annotations"] = {EXPORT: export}
    server = pod("books-1", "store", labels={"app": "books"}, ip="10.244.0.9")
    return [namespace("shop"), namespace("store"), books, server, client_pod(), *more]


def narrow(*hosts: str, **spec: Any) -> dict[str, Any]:
    return istio_object("Sidecar", "default", egress=[{"hosts": list(hosts or ("./*",))}], **spec)


def strict() -> dict[str, Any]:
    return istio_object("PeerAuthentication", "default", "store", mtls={"mode": "STRICT"})


def built(
    *more: dict[str, Any], proxy: Proxy, control: Any = REFUSE, export: str = "", **parts: Any
) -> Snapshot:
    return mesh(shop(*more, export=export), proxies=[proxy], istiods=[control], **parts)


def _quiet(**parts: Any) -> Proxy:
    """The caller's proxy, of which no log shows anything."""
    return read_proxy(CLIENT, log=log(), **parts)


class TestSidecars:
    def test_a_sidecar_that_leaves_out_what_is_called_is_named(self) -> None:
        snapshot = built(narrow(), proxy=client(refused(), config=dump({})))
        assert named(ANALYZER, snapshot) == [("MD0150", SUBJECT, "Sidecar shop/default")]

    def test_one_that_lets_it_in_passes(self) -> None:
        snapshot = built(narrow("./*", "store/*"), proxy=client(refused()))
        assert problems(ANALYZER, snapshot) == []
        assert ("MD0150", SUBJECT) in passed(ANALYZER, snapshot)

    def test_one_that_hides_what_nobody_calls_is_in_order(self) -> None:
        assert list(ANALYZER.analyze(built(narrow(), proxy=client()))) == []

    def test_calls_that_were_refused_long_ago_do_not_count(self) -> None:
        snapshot = built(narrow(), proxy=client(refused(seconds_ago=600)))
        assert problems(ANALYZER, snapshot) == []

    def test_calls_that_get_through_since_do_not_count(self) -> None:
        served = line(f"outbound|8080||{BOOKS}", authority="books.store:8080", seconds_ago=5)
        snapshot = built(narrow(), proxy=client(refused(seconds_ago=30), served))
        assert problems(ANALYZER, snapshot) == []

    def test_the_command_adds_every_host_that_is_called(self) -> None:
        other = service("pens", "store", clusterIP="10.96.0.78")
        lines = [refused(), refused("pens.store:8080", "10.96.0.78:8080")]
        found = problems(ANALYZER, built(narrow(), other, proxy=client(*lines)))
        assert len(found) == 2
        for finding in found:
            assert f"store/{BOOKS}" in finding.fills["command"]
            assert "store/pens.store.svc.cluster.local" in finding.fills["command"]
            assert finding.fills["undo"].endswith('"value": ["./*"]}]\'')

    def test_unread_sidecars_leave_it_unknown(self) -> None:
        snapshot = built(narrow(), proxy=client(refused()), unread=[SIDECAR])
        assert unknowns(ANALYZER, snapshot)["MD0150"] == (SIDECAR.input,)


class TestWithoutLogs:
    def told_to_call(self) -> list[dict[str, Any]]:
        objects = shop(narrow())
        env = [{"name": "BOOKS_URL", "value": "http://books.store:8080/list"}]
        objects[-2]["spec"]["containers"][0]["env"] = env
        return objects

    def test_what_the_template_names_counts(self) -> None:
        snapshot = mesh(self.told_to_call(), proxies=[_quiet(config=dump({}))], istiods=[REFUSE])
        assert named(ANALYZER, snapshot) == [("MD0150", SUBJECT, "Sidecar shop/default")]

    def test_a_proxy_that_holds_the_cluster_speaks_against_it(self) -> None:
        held = _quiet(config=dump({f"outbound|8080||{BOOKS}": {}}))
        snapshot = mesh(self.told_to_call(), proxies=[held], istiods=[REFUSE])
        assert problems(ANALYZER, snapshot) == []

    def test_with_allow_any_only_a_strict_server_makes_it_a_fault(self) -> None:
        parts: dict[str, Any] = {"proxies": [_quiet(config=dump({}))], "istiods": [ALLOW]}
        assert problems(ANALYZER, mesh(self.told_to_call(), **parts)) == []
        objects = [*self.told_to_call(), strict()]
        assert [f.code for f in problems(ANALYZER, mesh(objects, **parts))] == ["MD0150"]

    def test_where_the_template_names_nothing_it_is_unknown(self) -> None:
        snapshot = mesh(shop(narrow()), proxies=[_quiet()], istiods=[REFUSE])
        assert problems(ANALYZER, snapshot) == []
        assert "MD0150" in unknowns(ANALYZER, snapshot)


class TestExports:
    def test_a_service_for_its_own_namespace_is_named(self) -> None:
        snapshot = built(proxy=client(refused()), export=".")
        assert named(ANALYZER, snapshot) == [("MD0151", SUBJECT, "Service store/books")]
        (found,) = problems(ANALYZER, snapshot)
        assert found.fills["command"].endswith(f"{EXPORT}='.,shop' --overwrite")
        assert found.fills["undo"].endswith(f"{EXPORT}='.' --overwrite")

    def test_passthrough_to_a_strict_server_is_the_exports_fault(self) -> None:
        snapshot = built(strict(), proxy=client(passed_on()), control=ALLOW, export=".")
        assert named(ANALYZER, snapshot) == [("MD0151", SUBJECT, "Service store/books")]

    def test_passthrough_to_a_permissive_server_is_not(self) -> None:
        snapshot = built(proxy=client(passed_on()), control=ALLOW, export=".")
        assert problems(ANALYZER, snapshot) == []

    def test_what_the_application_answers_is_its_own(self) -> None:
        answer = passed_on(details="via_upstream")
        snapshot = built(strict(), proxy=client(answer), control=ALLOW, export=".")
        assert problems(ANALYZER, snapshot) == []

    def test_unread_peer_authentications_leave_passthrough_unknown(self) -> None:
        snapshot = built(
            proxy=client(passed_on()), control=ALLOW, export=".", unread=[PEER_AUTHENTICATION]
        )
        assert unknowns(ANALYZER, snapshot)["MD0151"] == (PEER_AUTHENTICATION.input,)


class TestRoutes:
    def route(self, place: str = "shop", **spec: Any) -> dict[str, Any]:
        http = [{"route": [{"destination": {"host": BOOKS, "port": {"number": 8080}}}]}]
        return istio_object("VirtualService", "books", place, hosts=[BOOKS], http=http, **spec)

    def test_a_route_to_a_hidden_host_is_the_exports_fault(self) -> None:
        proxy = client(*no_cluster(authority="books.store:8080", local=f"{VIP}:8080"))
        snapshot = built(self.route(), proxy=proxy, export=".")
        assert named(ROUTES, snapshot) == [("MD0151", SUBJECT, "Service store/books")]
        assert [fact.state.value for fact in problems(ROUTES, snapshot)[0].facts] == [
            "holds",
            "unread",
            "holds",
        ]

    def test_a_gateways_route_counts(self) -> None:
        door = istio_object(
            "Gateway", "door", group="networking.istio.io", selector=SELECTOR, servers=[]
        )
        objects = [*front(), namespace(EDGE), door, self.route(gateways=["door"])]
        snapshot = built(*objects, proxy=client(), export="shop")
        (found,) = problems(ROUTES, snapshot)
        assert found.affected[0].source == "Deployment edge/front-door"

    @pytest.mark.parametrize(("place", "export"), [("shop", "shop"), ("shop", ""), ("store", ".")])
    def test_a_route_to_what_its_own_namespace_sees_is_in_order(
        self, place: str, export: str
    ) -> None:
        snapshot = built(self.route(place), proxy=client(), export=export)
        assert problems(ROUTES, snapshot) == []

    def test_a_sidecar_lets_a_routes_destination_in(self) -> None:
        assert problems(ROUTES, built(narrow(), self.route(), proxy=client())) == []


class TestOutside:
    HOST = "feed.news.test"
    AT = "203.0.113.9:80"

    def entry(self, host: str = HOST, number: int = 80, **spec: Any) -> dict[str, Any]:
        port = {"number": number, "name": "http", "protocol": "HTTP"}
        return istio_object("ServiceEntry", "feed", hosts=[host], ports=[port], **spec)

    def call(self) -> Proxy:
        return client(refused(self.HOST, self.AT))

    def test_the_mesh_config_is_named_where_nothing_declares_the_host(self) -> None:
        assert named(OUTSIDE, built(proxy=self.call())) == [
            ("MD0152", f"destination {self.HOST}:80", "ConfigMap istio-system/istio")
        ]

    def test_it_is_over_once_the_mode_lets_calls_out(self) -> None:
        snapshot = built(proxy=self.call(), control=ALLOW)
        assert problems(OUTSIDE, snapshot) == []
        assert ("MD0152", f"destination {self.HOST}:80") in passed(OUTSIDE, snapshot)

    def test_an_entry_that_nearly_fits_is_named(self) -> None:
        for near in (self.entry(number=81), self.entry("feeds.news.test")):
            (found,) = problems(OUTSIDE, built(near, proxy=self.call()))
            assert (found.code, found.objects[0]) == ("MD0153", "ServiceEntry shop/feed")

    def test_an_entry_alike_that_is_in_use_is_another_host(self) -> None:
        used = line("outbound|80||feeds.news.test", authority="feeds.news.test", local=self.AT)
        proxy = client(refused(self.HOST, self.AT), used)
        (found,) = problems(OUTSIDE, built(self.entry("feeds.news.test"), proxy=proxy))
        assert found.objects[0] == "ConfigMap istio-system/istio"

    def test_an_entry_that_fits_is_in_order(self) -> None:
        assert problems(OUTSIDE, built(self.entry(), proxy=self.call())) == []
        assert problems(OUTSIDE, built(self.entry("*.news.test"), proxy=self.call())) == []

    def test_a_service_is_never_outside(self) -> None:
        proxy = client(refused("books.store:9999", f"{VIP}:9999"))
        assert problems(OUTSIDE, built(proxy=proxy)) == []

    def test_unread_entries_leave_it_unknown(self) -> None:
        snapshot = built(proxy=self.call(), unread=[SERVICE_ENTRY])
        needs = [found.needs for found in OUTSIDE.analyze(snapshot) if found.needs]
        assert (SERVICE_ENTRY.input,) in needs
        assert problems(OUTSIDE, snapshot) == []

    def test_silent_logs_leave_it_unknown_with_registry_only_alone(self) -> None:
        assert "MD0152" in unknowns(OUTSIDE, built(proxy=_quiet()))
        assert unknowns(OUTSIDE, built(proxy=_quiet(), control=ALLOW)) == {}

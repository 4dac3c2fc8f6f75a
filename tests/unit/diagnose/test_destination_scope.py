"""What a person means by ``--to``, and what is said when there is no such thing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshdoctor.diagnose.destination_scope import Asked, asked_destination
from meshdoctor.diagnose.destination_text import DestinationText, read_destination
from meshdoctor.diagnose.scope import ScopeError, in_scope
from meshdoctor.model.diagnosis import Scope
from meshdoctor.model.finding import Affected, Finding, Outcome
from meshdoctor.model.kinds import SERVICE, SERVICE_ENTRY, VIRTUAL_SERVICE
from meshdoctor.model.snapshot import Snapshot
from meshdoctor.parse.envoy import parse_config_dump
from tests.build import istio_object, mesh, namespace, pod, proxy, service
from tests.unit.analyze.traffic_build import line, log, route_to

RATINGS = "ratings.shop.svc.cluster.local"
WEB = "web.shop.svc.cluster.local"
VIP, POD_IP = "10.96.0.6", "10.244.0.6"


def port(number: int, target: int | str, name: str = "http") -> dict[str, Any]:
    return {"name": name, "port": number, "targetPort": target, "protocol": "TCP"}


OBJECTS = (
    namespace("shop"),
    service("ratings", clusterIP=VIP, ports=[port(8080, 9080)]),
    service("web", clusterIP="10.96.0.7", ports=[port(80, 8080), port(81, 8081, "admin")]),
    service("web", "docs", clusterIP="10.96.0.8"),
    service("db", clusterIP="None"),
    service("alias", selector={}, type="ExternalName", externalName="old.example.com", ports=[]),
    pod("ratings-1", labels={"app": "ratings"}, ip=POD_IP),
    pod("db-0", labels={"app": "db"}, ip="10.244.0.9"),
    istio_object(
        "ServiceEntry",
        "partner",
        hosts=["api.partner.example", "*.cdn.example"],
        addresses=["192.0.2.0/28"],
        ports=[{"number": 443, "name": "tls", "protocol": "TLS"}],
    ),
    istio_object(
        "Gateway", "edge", servers=[{"port": {"number": 80}, "hosts": ["*/shop.example.com"]}]
    ),
    route_to("web", hosts=["www.example.com"], port=80),
    istio_object("DestinationRule", "all", "istio-system", host="*.local"),
)


def snapshot(*more: dict[str, Any], **options: Any) -> Snapshot:
    return mesh([*OBJECTS, *more], **options)


def asked(text: str, *near: str, seen: Snapshot | None = None) -> Asked:
    return asked_destination(seen or snapshot(), text, near)


class TestReading:
    @pytest.mark.parametrize(
        ("text", "parts"),
        [
            ("ratings", ("ratings", "", False)),
            ("Ratings.Shop.:8080", ("ratings.shop", "8080", False)),
            ("http://ratings.shop:8080/path?a=b#c", ("ratings.shop", "8080", False)),
            ("https://user:secret@ratings.shop/x", ("ratings.shop", "", False)),
            ("ratings:8080/path", ("ratings", "8080", False)),
            ("svc/ratings", ("ratings", "", True)),
            ("service/ratings.shop:http", ("ratings.shop", "http", True)),
            ("http://svc/ratings", ("svc", "", False)),
            ("10.96.0.6:80", ("10.96.0.6", "80", False)),
            ("[fd00::1]:8080", ("fd00::1", "8080", False)),
            ("fd00::1", ("fd00::1", "", False)),
        ],
    )
    def test_every_way_of_writing_a_destination(
        self, text: str, parts: tuple[str, str, bool]
    ) -> None:
        assert read_destination(text) == DestinationText(*parts)

    @pytest.mark.parametrize("text", ["", "http://", ":8080", "ratings:0", "ratings:70000", "a b"])
    def test_what_is_no_destination_is_said_in_one_line(self, text: str) -> None:
        with pytest.raises(ScopeError) as caught:
            read_destination(text)
        assert "\n" not in str(caught.value)

    @given(st.text(max_size=40))
    def test_any_text_is_read_or_refused(self, text: str) -> None:
        try:
            found = read_destination(text)
        except ScopeError:
            return
        assert found.host == found.host.lower() != ""


class TestMeant:
    @pytest.mark.parametrize(
        "text",
        [
            *("ratings", "ratings.shop", "ratings.shop.svc", RATINGS, "svc/ratings"),
            *("ratings:8080", "http://ratings.shop:8080/path", "ratings:http", VIP, f"{VIP}:8080"),
            *(POD_IP, f"{POD_IP}:9080"),
        ],
    )
    def test_a_service_by_its_name_its_addresses_and_its_pods(self, text: str) -> None:
        assert asked(text).covers(f"{RATINGS}:8080")
        assert not asked(text).covers(f"{WEB}:80")

    def test_a_port_leaves_the_others_out(self) -> None:
        assert [asked("web.shop:81").covers(f"{WEB}:{n}") for n in (80, 81)] == [False, True]

    def test_a_short_name_is_meant_where_the_caller_is_if_it_is_there(self) -> None:
        docs = "web.docs.svc.cluster.local:8080"
        assert [asked("web", "docs").covers(text) for text in (docs, f"{WEB}:80")] == [True, False]
        assert [asked("web", "pay").covers(text) for text in (docs, f"{WEB}:80")] == [True, True]

    @pytest.mark.parametrize(
        ("text", "to"),
        [
            ("api.partner.example", "api.partner.example:443"),
            ("img.cdn.example:443", "*.cdn.example:443"),
            ("192.0.2.7", "api.partner.example:443"),
            ("old.example.com", "old.example.com:443"),
            ("alias.shop", "alias.shop.svc.cluster.local"),
            ("db-0.db.shop", "db.shop.svc.cluster.local:8080"),
            ("db.shop:5432", "db.shop.svc.cluster.local:5432"),
            ("shop.example.com:80", "shop.example.com:8080"),
            ("https://www.example.com/", "www.example.com:443"),
        ],
    )
    def test_hosts_that_are_no_plain_service(self, text: str, to: str) -> None:
        assert asked(text).covers(to)

    def test_where_a_virtualservice_leads_its_hosts_is_meant_too(self) -> None:
        assert asked("www.example.com").covers(f"{WEB}:80")
        assert not asked("www.example.com").covers(f"{RATINGS}:8080")

    def test_a_port_that_only_a_route_names_is_asked_about_for_that(self) -> None:
        seen = snapshot(route_to("ratings", name="wrong", port=9999))
        assert asked("ratings:9999", seen=seen).covers(f"{RATINGS}:9999")

    def test_a_host_that_only_a_route_names_exists(self) -> None:
        seen = snapshot(route_to("payments", name="wrong"))
        assert asked("payments.shop", seen=seen).covers("payments.shop.svc.cluster.local:80")

    @pytest.mark.parametrize(
        "caller",
        [
            proxy("a-1", log=log(line(authority="gone.example:80", code=404, flags="NR"))),
            proxy("a-1", log=log(line("outbound|80||gone.example"))),
        ],
    )
    def test_a_host_that_a_proxy_logs_exists(self, caller: Any) -> None:
        assert asked("gone.example", seen=snapshot(proxies=[caller])).covers("gone.example:80")

    def test_a_host_that_a_proxy_holds_a_route_for_exists(self) -> None:
        held = {"name": "a", "domains": ["old.example:80", "old.example"], "routes": []}
        config = {"route_config": {"name": "80", "virtual_hosts": [held]}}
        kind = "type.googleapis.com/envoy.admin.v3.RoutesConfigDump"
        document = {"configs": [{"@type": kind, "dynamic_route_configs": [config]}]}
        holder = proxy("a-1", config=parse_config_dump(json.dumps(document).encode()))
        seen = snapshot(proxies=[holder])
        assert asked("old.example", seen=seen).covers("old.example:80")
        with pytest.raises(ScopeError):
            asked("older.example", seen=seen)

    def test_an_address_that_a_proxy_logs_exists(self) -> None:
        caller = proxy("a-1", log=log(line("PassthroughCluster", upstream="203.0.113.9:443")))
        found = asked("203.0.113.9:443", seen=snapshot(proxies=[caller]))
        assert found.covers("203.0.113.9:443")

    @pytest.mark.parametrize("kind", [SERVICE, SERVICE_ENTRY, VIRTUAL_SERVICE])
    def test_nobody_can_rule_a_host_out_while_something_is_unread(self, kind: Any) -> None:
        found = asked("nothing.shop", seen=snapshot(unread=[kind]))
        assert found.covers("nothing.shop.svc.cluster.local:80")
        assert not found.covers("nothing.shopping:80")


class TestNotThere:
    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("ratngs.shop", "no host called ratngs.shop is in what was read; did you mean ratings"),
            (f"{RATINGS}x", "did you mean"),
            ("ratings.pay", "did you mean ratings.shop?"),
            ("svc/api.partner.example", "no host called api.partner.example"),
            ("ratings:9090", f"{RATINGS} has no port 9090; it has 8080 (target 9080)"),
            ("web.shop:grpc", f"{WEB} has no port grpc; it has 80 (target 8080), 81"),
            ("10.96.0.99", "no Service and no pod has the address 10.96.0.99"),
            (f"{VIP}:9090", "has no port 9090"),
            ("nope.db.shop", "no host called nope.db.shop"),
            ("nothing.shop.svc.cluster.local", "no host called nothing"),
        ],
    )
    def test_what_does_not_exist_is_said_in_one_line_with_what_is_near(
        self, text: str, words: str
    ) -> None:
        with pytest.raises(ScopeError) as caught:
            asked(text)
        assert words in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_an_empty_destination_is_no_wish_for_everything(self) -> None:
        with pytest.raises(ScopeError):
            in_scope(snapshot(), Scope(to=""), ())


def finding(subject: str, *to: str) -> Finding:
    affected = tuple(Affected("Deployment shop/client", host) for host in to)
    return Finding("MD0001", subject, Outcome.FAIL, "-", "Service shop/x", affected=affected)


def test_findings_about_another_destination_are_left_out_and_those_about_none_stay() -> None:
    about = finding(f"destination {RATINGS}:8080 subset v1")
    called = finding("workload Deployment shop/x", f"{RATINGS}:8080")
    nowhere = finding("namespace shop")
    other = finding(f"destination {WEB}:80", f"{WEB}:80")
    found = in_scope(snapshot(), Scope(to="ratings"), [about, called, nowhere, other])
    assert found == (about, called, nowhere)

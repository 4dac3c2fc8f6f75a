from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.parse.envoy.dumps import (
    EXTENSIONS,
    active,
    back_pointer,
    chain,
    host,
    http,
    listener,
    listeners,
    rbac,
    read,
    route_config,
    section,
    tcp,
    to,
    typed,
)

if TYPE_CHECKING:
    from meshdoctor.model.envoy import FilterChain


def only_chain(*filters: dict[str, Any], **fields: Any) -> FilterChain:
    dump = read(listeners(listener("virtualInbound", 15006, chain(*filters, **fields))))
    assert dump.errors == ()
    return dump.listeners[0].filter_chains[0]


def test_every_state_of_a_listener_is_read_and_the_serving_one_is_found() -> None:
    entry = {
        "name": "a",
        "draining_state": {"listener": listener("a", 1)},
        "active_state": {"listener": listener("a", 2), "version_info": "v2"},
        "warming_state": {"listener": listener("a", 3)},
    }
    static = {"listener": listener("s", 15090)}
    dump = read(section("Listeners", dynamic_listeners=[entry], static_listeners=[static]))
    assert [(item.state, item.port) for item in dump.listeners] == [
        ("active", 2),
        ("warming", 3),
        ("draining", 1),
        ("static", 15090),
    ]
    found = dump.listener("a")
    assert found
    assert (found.state, found.version) == ("active", "v2")
    assert found.at("name") == "/configs/0/dynamic_listeners/0/active_state/listener/name"
    assert dump.listeners[3].at("name") == "/configs/0/static_listeners/0/listener/name"


def test_a_refused_update_is_kept_beside_what_still_serves() -> None:
    refused = listener("a", 1, chain(name="new"))
    failure = {"details": "no", "last_update_attempt": "x", "failed_configuration": refused}
    dump = read(
        section("Listeners", dynamic_listeners=[active(listener("a", 1), error_state=failure)])
    )
    assert len(dump.listeners) == 1
    found = dump.listeners[0]
    assert found.error
    assert found.error.details == "no"
    assert found.failed
    assert found.failed.filter_chains[0].name == "new"
    assert found.failed.filter_chains[0].pointer == (
        "/configs/0/dynamic_listeners/0/error_state/failed_configuration/filter_chains/0"
    )


def test_a_listener_that_never_served_is_failed() -> None:
    failure = {"details": "no", "last_update_attempt": "x", "failed_configuration": {"name": "a"}}
    dump = read(section("Listeners", dynamic_listeners=[{"name": "a", "error_state": failure}]))
    assert [(item.name, item.state) for item in dump.listeners] == [("a", "failed")]
    assert dump.listeners[0].at("name").endswith("/error_state/failed_configuration/name")


def test_the_failure_envoy_prints_twice_is_told_once() -> None:
    configuration = {"name": "a"}
    failure = {"details": "no", "failed_configuration": configuration}
    named = active(listener("a", 1), error_state=failure | {"last_update_attempt": "x"})
    dump = read(section("Listeners", dynamic_listeners=[named, {"error_state": failure}]))
    assert [item.state for item in dump.listeners] == ["active"]
    other = {"error_state": failure | {"details": "another"}}
    dump = read(section("Listeners", dynamic_listeners=[named, other]))
    assert [item.state for item in dump.listeners] == ["active", "failed"]


def test_internal_listeners_have_no_address() -> None:
    config = {"name": "main_internal", "internal_listener": {}, "filter_chain_matcher": {}}
    found = read(listeners(config)).listeners[0]
    assert (found.address, found.port, found.internal, found.has_matcher) == ("", 0, True, True)


def test_a_chains_match_is_kept() -> None:
    match = {
        "destination_port": {"value": 8080},
        "prefix_ranges": [{"address_prefix": "10.0.0.0", "prefix_len": 8}],
        "server_names": ["a.example"],
        "transport_protocol": "tls",
        "application_protocols": ["istio", "h2"],
    }
    found = only_chain(filter_chain_match=match, metadata=back_pointer("sidecar", "s"))
    assert found.match.destination_port == 8080
    assert found.match.prefix_ranges == ("10.0.0.0/8",)
    assert found.match.server_names == ("a.example",)
    assert found.match.transport_protocol == "tls"
    assert found.match.application_protocols == ("istio", "h2")
    assert str(found.config) == "Sidecar shop/s"


@pytest.mark.parametrize("required", [True, {"value": True}])
def test_the_tls_a_chain_terminates_names_its_secrets(required: object) -> None:
    context = {
        "tls_certificate_sds_secret_configs": [{"name": "kubernetes://shop-cert"}],
        "combined_validation_context": {
            "default_validation_context": {"match_subject_alt_names": [{"prefix": "spiffe://td/"}]},
            "validation_context_sds_secret_config": {"name": "kubernetes://shop-cert-cacert"},
        },
        "alpn_protocols": ["h2"],
    }
    kind = EXTENSIONS + "transport_sockets.tls.v3.DownstreamTlsContext"
    config = {
        "@type": kind,
        "common_tls_context": context,
        "require_client_certificate": required,
    }
    tls = only_chain(transport_socket={"typed_config": config}).tls
    assert tls
    assert tls.require_client_certificate
    assert tls.secret_names == ("kubernetes://shop-cert", "kubernetes://shop-cert-cacert")
    assert (tls.sans, tls.alpn) == (("spiffe://td/*",), ("h2",))
    assert only_chain().tls is None


def test_http_routes_come_by_name_or_inline() -> None:
    named = only_chain(http("8080")).http
    assert named
    assert (named.route_config_name, named.route_config) == ("8080", None)
    inline = only_chain(http(route_config=route_config("in", host("h", to("c"))))).http
    assert inline
    assert inline.route_config
    assert inline.route_config.state == "inline"
    assert (
        inline.route_config.virtual_hosts[0]
        .routes[0]
        .pointer.endswith("/typed_config/route_config/virtual_hosts/0/routes/0")
    )
    assert inline.route_config.at("name").endswith("/typed_config/route_config/name")


def test_http_filters_keep_name_type_and_place() -> None:
    found = only_chain(http("80", ({"name": "wasm"}, rbac()))).http
    assert found
    assert [(item.name, item.type_url.rpartition(".")[2]) for item in found.filters] == [
        ("wasm", ""),
        ("envoy.filters.http.rbac", "RBAC"),
    ]
    place = found.filter_pointer("envoy.filters.http.rbac")
    assert place.endswith("/filters/0/typed_config/http_filters/1")
    with pytest.raises(LookupError):
        found.filter_pointer("nobody")


def test_tcp_destinations_are_one_cluster_or_several() -> None:
    one = only_chain(tcp("a")).tcp
    assert one
    assert [(item.name, item.weight) for item in one.clusters] == [("a", 100)]
    weighted = {"clusters": [{"name": "a", "weight": 80}, {"name": "b", "weight": 20}]}
    kind = "filters.network.tcp_proxy.v3.TcpProxy"
    config = typed(kind, weighted_clusters=weighted, tunneling_config={"hostname": "h"})
    several = only_chain({"name": "envoy.filters.network.tcp_proxy", "typed_config": config}).tcp
    assert several
    assert [(item.name, item.weight) for item in several.clusters] == [("a", 80), ("b", 20)]
    assert several.tunneling


def test_rbac_policies_keep_their_origin_and_identities() -> None:
    identity = {"authenticated": {"principal_name": {"exact": "spiffe://td/ns/shop/sa/web"}}}
    prefix = {"authenticated": {"principal_name": {"prefix": "spiffe://td/ns/a/"}}}
    never = {"not_id": {"authenticated": {"principal_name": {"exact": "spiffe://no"}}}}
    ids = [{"and_ids": {"ids": [{"or_ids": {"ids": [identity, prefix]}}, never]}}]
    policies = {"ns[pay]-policy[allow]-rule[1]": {"permissions": [], "principals": ids}}
    found = only_chain(http("80", (rbac(rules={"policies": policies}),)), tcp("a")).rbac[0]
    assert (found.action, found.is_http) == ("ALLOW", True)
    policy = found.policies[0]
    assert policy.source == ("pay", "allow", 1)
    assert policy.principals == ("spiffe://td/ns/a/*", "spiffe://td/ns/shop/sa/web")
    assert not policy.matches_nothing
    assert policy.pointer.endswith("/rules/policies/ns[pay]-policy[allow]-rule[1]")


def test_a_policy_that_matches_nothing_is_told() -> None:
    nothing = {"permissions": [{"not_rule": {"any": True}}], "principals": [{"any": True}]}
    policies = {"ns[pay]-policy[lock]-rule[0]": nothing}
    network = rbac("envoy.filters.network.rbac", rules={"policies": policies})
    found = only_chain(network, tcp("a")).rbac[0]
    assert not found.is_http
    assert found.policies[0].matches_nothing


def test_shadow_rules_alone_have_no_action() -> None:
    policies: dict[str, Any] = {"istio-ext-authz-ns[a]-policy[b]-rule[0]": {}}
    shadow = rbac(shadow_rules={"action": "DENY", "policies": policies})
    found = only_chain(http("80", (shadow,))).rbac[0]
    assert (found.action, found.policies, found.shadow_action) == ("", (), "DENY")
    assert found.shadow_policies[0].is_custom
    assert found.shadow_policies[0].source == ("a", "b", 0)


def test_jwt_providers_keep_their_issuer_and_the_start_of_their_keys() -> None:
    providers = {
        "origins-0": {"issuer": "https://i", "local_jwks": {"inline_string": "k" * 500}},
        "origins-1": {"remote_jwks": {"http_uri": {"uri": "https://k", "cluster": "c"}}},
    }
    config = typed("filters.http.jwt_authn.v3.JwtAuthentication", providers=providers)
    found = only_chain(http("80", ({"name": "jwt", "typed_config": config},))).http
    assert found
    local, remote = found.jwt_providers
    assert (local.issuer, local.local_jwks) == ("https://i", "k" * 200)
    assert (remote.local_jwks, remote.remote_uri, remote.remote_cluster) == (None, "https://k", "c")
    assert local.pointer.endswith("/http_filters/0/typed_config/providers/origins-0")


def test_a_fault_on_the_filter_itself_is_seen() -> None:
    fault = typed("filters.http.fault.v3.HTTPFault", delay={"fixed_delay": "5s"})
    filters = ({"name": "envoy.filters.http.fault", "typed_config": fault},)
    found = only_chain(http("80", filters)).http
    assert found
    assert found.fault
    assert (found.fault.delay, found.fault.abort_status) == ("5s", None)

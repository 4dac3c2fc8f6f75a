"""What people write is refused before it is stored, with the API server's words."""

from __future__ import annotations

import pytest
import yaml

from meshdoctor.drill.edits import EditError
from meshdoctor.drill.objects import PODS
from meshdoctor.drill.validating import refusal
from meshdoctor.drill.world import World
from meshdoctor.serve.api_error import ApiError
from tests.unit.drill.playing import edit, play, pods, ready

BARE = """
- apply:
    apiVersion: v1
    kind: Pod
    metadata: {name: probe, namespace: shop, labels: {app: probe}}
    spec: {containers: [{name: probe, image: "curl:8"}]}
"""
QUOTA = """
- apply:
    apiVersion: v1
    kind: ResourceQuota
    metadata: {name: none, namespace: shop}
    spec: {hard: {pods: 1}}
"""
ROUTE = """
- apply:
    apiVersion: networking.istio.io/v1
    kind: VirtualService
    metadata: {name: ratings, namespace: shop}
    spec: {hosts: [ratings], http: [%s]}
"""
GOOD = "{route: [{destination: {host: ratings}}]}"
DOWN = "- scale: {object: Deployment istio-system/istiod, replicas: 0}"
KEY = ("networking.istio.io", "virtualservices")


def refused(world: World, edits: str) -> ApiError:
    with pytest.raises(EditError) as caught:
        edit(world, edits)
    cause = caught.value.__context__
    assert isinstance(cause, ApiError)
    return cause


def test_a_pod_that_cannot_be_injected_is_refused_and_not_stored() -> None:
    world = play("istiod-down")
    error = refused(world, BARE)
    assert (error.status["code"], error.status["reason"]) == (500, "InternalError")
    assert "failed calling webhook" in error.status["message"]
    assert pods(world, "probe") == []


def test_a_pod_that_a_quota_forbids_is_refused_and_not_stored() -> None:
    world = play("healthy", QUOTA)
    error = refused(world, BARE)
    assert (error.status["code"], error.status["reason"]) == (403, "Forbidden")
    assert error.status["message"].startswith('pods "probe" is forbidden: exceeded quota: none')
    assert pods(world, "probe") == []


def test_a_pod_that_is_let_in_runs_with_its_sidecar() -> None:
    world = play("healthy", BARE)
    assert [ready(pod) for pod in pods(world, "probe")] == ["2/2"]
    assert world.objects.get(PODS, "shop", "probe") is not None


def test_the_pods_of_controllers_are_nobodys_write() -> None:
    world = play("istiod-down", "- restart: {object: Deployment shop/ratings-v1}")
    assert pods(world, "ratings")


def test_istiod_refuses_a_route_that_leads_nowhere_and_takes_a_good_one() -> None:
    world = play("classic-sidecars-healthy")
    error = refused(world, ROUTE % "{match: [{uri: {prefix: /}}]}")
    assert error.status["code"] == 400
    assert error.status["message"] == (
        'admission webhook "validation.istio.io" denied the request: configuration is invalid: '
        "HTTP route, redirect or direct_response is required"
    )
    assert world.objects.get(KEY, "shop", "ratings") is None
    edit(world, ROUTE % GOOD)
    assert world.objects.get(KEY, "shop", "ratings") is not None


def test_a_change_is_validated_as_well() -> None:
    world = play("classic-sidecars-healthy")
    refused(world, "- patch: {object: VirtualService shop/reviews, patch: {spec: {http: null}}}")
    found = world.objects.get(KEY, "shop", "reviews")
    assert found is not None
    assert found["spec"]["http"]


def test_nobody_validates_where_no_webhook_selects_the_object() -> None:
    # This mesh has the webhook of its revision only, for objects that carry its label.
    world = play("healthy", ROUTE % "{match: [{uri: {prefix: /}}]}")
    assert world.objects.get(KEY, "shop", "ratings") is not None


def test_without_istiod_configuration_is_refused_where_the_webhook_fails_closed() -> None:
    world = play("classic-sidecars-healthy", DOWN)
    error = refused(world, ROUTE % GOOD)
    assert error.status["code"] == 500
    assert 'failed calling webhook "validation.istio.io"' in error.status["message"]
    assert "/validate?timeout=10s" in error.status["message"]
    edit(world, "- delete: {object: VirtualService shop/reviews}")
    assert world.objects.get(KEY, "shop", "reviews") is None


def test_without_istiod_configuration_is_taken_where_the_webhook_ignores_failures() -> None:
    ignoring = """
- patch:
    object: ValidatingWebhookConfiguration istiod-default-validator
    type: json
    patch: [{op: replace, path: /webhooks/0/failurePolicy, value: Ignore}]
"""
    world = play("classic-sidecars-healthy", DOWN + ignoring + ROUTE % GOOD)
    assert world.objects.get(KEY, "shop", "ratings") is not None


@pytest.mark.parametrize(
    ("kind", "spec", "said"),
    [
        ("virtualservices", "{hosts: [a]}", "http, tcp or tls must be provided"),
        ("virtualservices", "{hosts: ['*'], http: [%s]}", "wildcard host * is not allowed"),
        ("virtualservices", "{hosts: [a, a], http: [%s]}", "duplicate hosts in virtual service"),
        ("virtualservices", "{gateways: [g], http: [%s]}", "must have no gateways specified"),
        (
            "virtualservices",
            "{hosts: [a], http: [{redirect: {uri: /}, route: [{destination: {host: a}}]}]}",
            "cannot contain both route and redirect",
        ),
        (
            "virtualservices",
            "{hosts: [a], http: [{retries: {retryOn: 5xx}, route: [{destination: {host: a}}]}]}",
            "when attempts are set to 0",
        ),
        (
            "virtualservices",
            "{hosts: [a], http: [{fault: {}, route: [{destination: {host: a}}]}]}",
            "must have an abort and/or a delay",
        ),
        ("virtualservices", "{hosts: [a], tls: [{route: []}]}", "TLS route is required"),
        ("destinationrules", "{subsets: []}", "empty domain name not allowed"),
        (
            "destinationrules",
            "{host: a, subsets: [{name: v1}, {name: v1}]}",
            "duplicate subset names: v1",
        ),
        (
            "destinationrules",
            "{host: a, trafficPolicy: {tls: {mode: MUTUAL}}}",
            "client certificate required for mutual tls",
        ),
        ("gateways", "{}", "gateway must have at least one server"),
        (
            "gateways",
            "{servers: [{hosts: [a], port: {name: a, number: 443, protocol: HTTPS}}]}",
            "server must have TLS settings",
        ),
        (
            "gateways",
            "{servers: [{hosts: [a], port: {protocol: HTTPS}, tls: {mode: SIMPLE}}]}",
            "SIMPLE TLS requires a server certificate",
        ),
        ("serviceentries", "{ports: []}", "service entry must have at least one host"),
        ("serviceentries", "{hosts: ['*.a'], resolution: DNS}", "hosts must be FQDN"),
        ("sidecars", "{workloadSelector: {labels: {a: b}}}", "empty configuration provided"),
        ("sidecars", "{egress: [{hosts: [a.b]}]}", "host must be of form namespace/dnsName"),
        ("envoyfilters", "{configPatches: [{patch: {}}]}", "missing applyTo"),
        (
            "peerauthentications",
            "{portLevelMtls: {'80': {mode: DISABLE}}}",
            "cannot have port level mTLS",
        ),
        ("requestauthentications", "{jwtRules: [{jwksUri: 'https://a'}]}", "issuer must be set"),
        ("authorizationpolicies", "{action: DENY}", "DENY action without `rules`"),
        (
            "authorizationpolicies",
            "{rules: [{from: []}]}",
            "invalid policy x.shop: `from` must not be empty, found at rule 0",
        ),
        ("authorizationpolicies", "{rules: [{to: [{operation: {}}]}]}", "`to.operation` must not"),
    ],
)
def test_what_istio_never_takes_is_refused(kind: str, spec: str, said: str) -> None:
    assert said in refusal(*written(kind, spec))


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("virtualservices", "{hosts: [a], http: [%s]}"),
        ("virtualservices", "{hosts: ['*'], gateways: [g], http: [%s]}"),
        ("virtualservices", "{http: [%s]}"),
        ("virtualservices", "{hosts: [a], http: [{delegate: {name: b}}]}"),
        ("virtualservices", "{hosts: [a], http: [{directResponse: {status: 503}}]}"),
        ("virtualservices", "{hosts: [a], tcp: [{route: [{destination: {host: a}}]}]}"),
        ("destinationrules", "{host: a, trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}}"),
        ("destinationrules", "{host: a, trafficPolicy: {tls: {mode: MUTUAL, credentialName: c}}}"),
        (
            "gateways",
            "{servers: [{hosts: [a], port: {protocol: HTTP}, tls: {httpsRedirect: true}}]}",
        ),
        (
            "gateways",
            "{servers: [{hosts: [a], port: {protocol: TLS}, tls: {mode: PASSTHROUGH}}]}",
        ),
        ("serviceentries", "{hosts: ['*.a'], resolution: NONE}"),
        ("sidecars", "{egress: [{hosts: ['./*', 'istio-system/*']}]}"),
        ("sidecars", "{outboundTrafficPolicy: {mode: REGISTRY_ONLY}}"),
        ("envoyfilters", "{configPatches: [{applyTo: CLUSTER, patch: {operation: REMOVE}}]}"),
        ("peerauthentications", "{}"),
        (
            "peerauthentications",
            "{selector: {matchLabels: {a: b}}, portLevelMtls: {'80': {mode: DISABLE}}}",
        ),
        ("requestauthentications", "{jwtRules: [{issuer: i}]}"),
        ("authorizationpolicies", "{}"),
        ("authorizationpolicies", "{rules: [{}]}"),
        ("authorizationpolicies", "{action: DENY, rules: [{}]}"),
        ("telemetries", "{}"),
    ],
)
def test_what_istio_takes_is_taken(kind: str, spec: str) -> None:
    assert refusal(*written(kind, spec)) == ""


def written(kind: str, spec: str) -> tuple[tuple[str, str], dict[str, object]]:
    """A resource, and an object of it with this spec; ``%s`` stands for a good HTTP route."""
    security = ("peerauthentications", "requestauthentications", "authorizationpolicies")
    group = "security.istio.io" if kind in security else "networking.istio.io"
    metadata = {"name": "x", "namespace": "shop"}
    return (group, kind), {"metadata": metadata, "spec": yaml.safe_load(spec.replace("%s", GOOD))}


def test_several_errors_are_listed() -> None:
    said = refusal(*written("gateways", "{servers: [{}]}"))
    assert said.startswith("configuration is invalid: 2 errors occurred:\n\t* server config must")

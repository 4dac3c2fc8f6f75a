"""What rules a cause out is the fact that decides: turned round, the cause is ruled out no more."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING

import pytest

from tests.captures.editing import Copy, copy_of
from tests.captures.flipping import (
    added,
    answered,
    at_evidence,
    both,
    configuration_refused,
    connection_gone,
    container_killed,
    control_plane_gone,
    host_ejected,
    newest_refusal,
    one_piece,
    other_root,
    ruled_ids,
)
from tests.captures.test_every_capture import _EXPECTED, answer

if TYPE_CHECKING:
    from pathlib import Path

    from meshdoctor.model.diagnosis import RuledOut
    from tests.captures.flipping import Flip

pytestmark = pytest.mark.usefixtures("captures_root", "no_network")

_ONE_VALUE = {
    "ambient-hbone-port-blocked": "ambient-l7-policy-without-waypoint",
    "ambient-ztunnel-not-ready": "ambient-hbone-blocked",
    "application-crash-looping": "app-listens-on-localhost",
    "authorizationpolicy-denies-all": "authz-principal-without-mtls",
    "authorizationpolicy-deny-matches": "authz-principal-without-mtls",
    "authorizationpolicy-needs-mtls-identity": "authz-principal-wrong",
    "authorizationpolicy-no-rule-matches": "authz-principal-without-mtls",
    "circuit-breaker-overflow": "app-listens-on-localhost",
    "conflicting-virtualservices": "gateway-credential-bad-keys",
    "data-plane-not-restarted-after-upgrade": "peerauth-conflict-two-namespace-wide",
    "destination-host-not-found": "destination-port-not-on-service",
    "destination-port-not-found": "fault-injection-left-on",
    "destinationrule-disables-tls-to-strict-server": "app-listens-on-localhost",
    "destinationrule-in-wrong-namespace": "route-shadowed",
    "destinationrule-mutual-to-mtls-disabled-server": "app-listens-on-localhost",
    "destinationrule-mutual-to-server-without-sidecar": "app-listens-on-localhost",
    "destinationrule-san-mismatch": "app-listens-on-localhost",
    "destinationrule-simple-tls-to-sidecar": "app-listens-on-localhost",
    "fault-injection-active": "destination-port-not-on-service",
    "gateway-has-no-bound-virtualservice": "gateway-credential-bad-keys",
    "gateway-has-no-pods": "gateway-credential-bad-keys",
    "gateway-passthrough-with-http-route": "gateway-credential-bad-keys",
    "gateway-port-not-exposed-by-service": "gateway-credential-bad-keys",
    "gateway-selector-matches-nothing": "gateway-credential-bad-keys",
    "host-network-pod-not-injected": "both-injection-labels",
    "inbound-capture-excluded": "app-listens-on-localhost",
    "injection-labels-conflict": "canary-label-moved-pods-not-restarted",
    "injection-webhook-missing": "both-injection-labels",
    "istio-crds-missing": "injector-unreachable-fail",
    "istiod-down": "canary-label-moved-pods-not-restarted",
    "jwt-required-but-absent": "authz-principal-without-mtls",
    "loadbalancer-address-pending": "gateway-credential-bad-keys",
    "mesh-certificate-expired": "injector-unreachable-fail",
    "namespace-not-labelled-for-injection": "both-injection-labels",
    "outlier-ejection": "app-listens-on-localhost",
    "plaintext-client-to-strict-server": "app-listens-on-localhost",
    "pod-opted-out-of-ambient": "ambient-hbone-blocked",
    "pods-not-ready": "app-listens-on-localhost",
    "pods-not-restarted-after-labelling": "canary-removed-while-in-use",
    "probe-not-rewritten-under-strict": "app-listens-on-localhost",
    "protocol-selection-by-port-name": "authz-principal-without-mtls",
    "requestauthentication-rejected-by-proxy": "jwt-issuer-mismatch",
    "revision-has-no-control-plane": "canary-label-moved-pods-not-restarted",
    "service-selector-mismatch": "app-listens-on-localhost",
    "service-target-port-not-listening": "app-listens-on-localhost",
    "subset-not-defined": "outlier-ejection",
    "subset-selects-no-pods": "outlier-ejection",
    "virtualservice-host-not-in-gateway": "gateway-credential-bad-keys",
    "webhook-ca-bundle-mismatch": "injector-unreachable-fail",
    "workload-scaled-to-zero": "app-listens-on-localhost",
    "waypoint-missing": "ambient-waypoint-not-programmed",
}
"""A capture that rules the cause out by a single value, of which any other will not do."""

_REFUSED = (
    "503 UF upstream_reset_before_response_started{connection_failure|delayed_connect_error:_111}"
)
_BY_RULE = "403 - rbac_access_denied_matched_policy[ns[pay]-policy[lock]-rule[0]]"
_ISSUER = "401 - jwt_authn_access_denied{Jwt_issuer_is_not_configured}"
_QUOTA = 'pods "ratings-v1-5" is forbidden: exceeded quota: small, requested: pods=1, used: pods=4'
_SECURITY = (
    'pods "ratings-v1-5" is forbidden: violates PodSecurity "restricted:latest": unrestricted '
    'capabilities (container "istio-init" must not include "NET_ADMIN" in '
    "securityContext.capabilities.add)"
)
_UNTRUSTED = (
    'Internal error occurred: failed calling webhook "namespace.sidecar-injector.istio.io": failed '
    'to call webhook: Post "https://istiod.istio-system.svc:443/inject?timeout=10s": tls: failed '
    "to verify certificate: x509: certificate signed by unknown authority"
)
_OLD = "2026-11-20T00:00:00Z"
_POOL = {"connectionPool": {"tcp": {"maxConnections": 1}}}
_ELSEWHERE = {"jwksUri": "https://issuer.example/jwks", "issuer": "https://issuer.example"}
_PATCHES = {
    "configPatches": [
        {
            "applyTo": "HTTP_FILTER",
            "match": {},
            "patch": {"operation": "INSERT_FIRST", "value": {"name": "no.such.filter"}},
        }
    ]
}
_NOBODY = {"podSelector": {}, "policyTypes": ["Ingress"]}
_RIVAL = {
    "hosts": ["shop.example.com"],
    "gateways": ["shop-gateway"],
    "http": [{"route": [{"destination": {"host": "reviews"}}]}],
}


def _named(kind: str, name: str, namespace: str, **more: object) -> dict[str, object]:
    metadata = {"name": name, "namespace": namespace, "creationTimestamp": _OLD}
    version = "networking.k8s.io/v1" if kind == "NetworkPolicy" else "networking.istio.io/v1"
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **more}


def _keys_from_elsewhere(copy: Copy, ruled: RuledOut) -> None:
    """Keys that are fetched, and the proxies hold the one that istiod gives in their stead."""
    at_evidence("/jwks", lambda _: "")(copy, ruled)
    with copy.items("requestauthentications") as items:
        for item in items:
            for rule in item["spec"]["jwtRules"]:
                del rule["jwks"]
                rule["jwksUri"] = _ELSEWHERE["jwksUri"]
    stand_in = json.dumps({"keys": [{"e": "AQAB", "kty": "RSA", "n": _NOBODYS_KEY}]})
    for path in copy.files("proxies/pay/*/config_dump.json"):
        document = json.loads(path.read_text())
        _replace_keys(document, stand_in)
        path.write_text(json.dumps(document))


_NOBODYS_KEY = "0xObjM0UvS_oaazjpEYlAbwctEJ4L8pH3OuTb7qth7g"


def _replace_keys(value: object, keys: str) -> None:
    if isinstance(value, list):
        for item in value:
            _replace_keys(item, keys)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key == "local_jwks":
                value[key] = {"inline_string": keys}
            else:
                _replace_keys(item, keys)


def _another_root(copy: Copy, ruled: RuledOut) -> None:
    elsewhere = answer_root("healthy", copy.folder.parent / "other")
    other_root(elsewhere)(copy, ruled)


def answer_root(name: str, folder: Path) -> bytes:
    """The root that another capture's istiod hands out."""
    with copy_of(name, folder).items("configmaps") as items:
        pem: str = next(
            item["data"]["root-cert.pem"]
            for item in items
            if item["metadata"]["name"] == "istio-ca-root-cert"
        )
    return pem.encode()


_IN_WORDS: tuple[tuple[str, str, Flip], ...] = (
    ("application-binds-to-localhost", "application-returns-503", answered(_REFUSED)),
    ("application-error", "app-listens-on-localhost", answered("503 - via_upstream")),
    (
        "authorizationpolicy-deny-matches",
        "authz-empty-policy-denies-all",
        answered(_BY_RULE),
    ),
    (
        "authorizationpolicy-denies-all",
        "jwt-inline-jwks-rejected",
        at_evidence("/rules", lambda _: []),
    ),
    (
        "circuit-breaker-overflow",
        "application-returns-503",
        added(
            "destinationrules",
            **_named(
                "DestinationRule", "pool", "shop", spec={"host": "ratings", "trafficPolicy": _POOL}
            ),
        ),
    ),
    (
        "conflicting-virtualservices",
        "gateway-loadbalancer-pending",
        added("virtualservices", **_named("VirtualService", "rival", "shop", spec=_RIVAL)),
    ),
    (
        "envoyfilter-rejected-by-proxy",
        "root-ca-rotated-under-workloads",
        both(
            added("envoyfilters", **_named("EnvoyFilter", "odd", "istio-system", spec=_PATCHES)),
            configuration_refused,
        ),
    ),
    (
        "gateway-passthrough-with-http-route",
        "gateway-credential-missing",
        at_evidence("/tls/mode", lambda _: "PASSTHROUGH"),
    ),
    ("istio-not-installed", "root-ca-rotated-under-workloads", control_plane_gone),
    ("istiod-oom-killed", "root-ca-rotated-under-workloads", container_killed),
    ("jwks-fetch-failed", "jwt-missing-token", _keys_from_elsewhere),
    ("jwt-issuer-mismatch", "jwt-missing-token", answered(_ISSUER)),
    (
        "loadbalancer-address-pending",
        "gateway-credential-missing",
        at_evidence("/spec/type", lambda _: "LoadBalancer"),
    ),
    (
        "networkpolicy-blocks-traffic",
        "route-timeout",
        added("networkpolicies", **_named("NetworkPolicy", "nobody", "shop", spec=_NOBODY)),
    ),
    ("outlier-ejection", "application-returns-503", host_ejected),
    (
        "pod-opted-out-of-injection",
        "namespace-not-labelled",
        at_evidence("/labels", lambda found: {**found, "sidecar.istio.io/inject": "false"}),
    ),
    ("pod-security-forbids-istio-init", "quota-blocks-pods", newest_refusal(_SECURITY)),
    ("protocol-selection-by-port-name", "app-listens-on-localhost", answered("502 UPE -")),
    ("proxy-cannot-reach-istiod", "envoyfilter-rejected", connection_gone),
    ("proxy-rejects-configuration", "root-ca-rotated-under-workloads", configuration_refused),
    ("resource-quota-blocks-pods", "pod-security-blocks-init", newest_refusal(_QUOTA)),
    (
        "revision-has-no-control-plane",
        "namespace-not-labelled",
        at_evidence("/labels", lambda found: {**found, "istio.io/rev": "gone"}),
    ),
    ("root-certificate-mismatch", "istiod-out-of-memory", _another_root),
    ("webhook-ca-bundle-mismatch", "quota-blocks-pods", newest_refusal(_UNTRUSTED)),
    (
        "workload-scaled-to-zero",
        "json-access-logs-subset-undefined",
        at_evidence("/spec/replicas", lambda _: 0),
    ),
)
"""Causes that a fact of absence rules out: what is not there is put there."""


@lru_cache(maxsize=1)
def _everything() -> dict[str, tuple[RuledOut, ...]]:
    """What each capture rules out."""
    return {name: answer(name).ruled_out for name in _EXPECTED}


def _ruled(copy: Copy, cause: str) -> RuledOut:
    found = [item for item in copy.answer().ruled_out if item.id == cause]
    assert found, f"{cause} is not ruled out here"
    return found[0]


@pytest.mark.parametrize("cause", sorted(_ONE_VALUE))
def test_another_value_in_one_place_brings_the_cause_back(cause: str, tmp_path: Path) -> None:
    copy = copy_of(_ONE_VALUE[cause], tmp_path)
    assert one_piece(copy, _ruled(copy, cause))


@pytest.mark.parametrize(
    ("cause", "name", "flip"), _IN_WORDS, ids=[f"{cause}-{name}" for cause, name, _ in _IN_WORDS]
)
def test_the_fact_turned_round_brings_the_cause_back(
    cause: str, name: str, flip: Flip, tmp_path: Path
) -> None:
    copy = copy_of(name, tmp_path / "copy")
    flip(copy, _ruled(copy, cause))
    assert cause not in ruled_ids(copy)


def test_every_cause_that_is_ruled_out_anywhere_is_turned_round_here() -> None:
    ruled = {item.id for items in _everything().values() for item in items}
    assert ruled == {*_ONE_VALUE, *(cause for cause, _, _ in _IN_WORDS)}


def test_whatever_is_ruled_out_says_why_and_shows_it() -> None:
    bare = [
        (name, item.id)
        for name, items in _everything().items()
        for item in items
        if not item.because.strip() or not item.evidence
    ]
    assert bare == []

"""Each check fails for its own fault, and for no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from meshdoctor.model.kinds import (
    CONFIG_MAP,
    CRD,
    DEPLOYMENT,
    ENDPOINT_SLICE,
    GATEWAY,
    MUTATING_WEBHOOK,
    NAMESPACE,
    POD,
    SERVICE,
)
from tests.build import istio_object, istiod, namespace
from tests.unit.analyze.control_plane_build import (
    ROOT,
    ago,
    endpoint_slice,
    injected,
    istiod_deployment,
    istiod_pod,
    knowing,
    sync,
)
from tests.unit.check.whole_mesh import (
    FAIL,
    PROXIES,
    UNKNOWN,
    WARN,
    base64_of,
    certificate,
    config_map,
    crd,
    daemon_set,
    found,
    gateway_deployment,
    gateway_pod,
    gateway_slice,
    injection,
    root_map,
    snapshot,
    troubles,
    validation,
    whole,
)
from tests.unit.check.whole_mesh import (
    GATEWAY as GATEWAY_NAME,
)

if TYPE_CHECKING:
    from meshdoctor.model.finding import Outcome
    from meshdoctor.model.kinds import Kind

VS_CRD = "crd virtualservices.networking.istio.io"
VS = "virtualservices.networking.istio.io"


def broken(*gone: str, **changed: Any) -> dict[str, Outcome]:
    """What is wrong with the whole mesh without some objects, and with others changed."""
    objects = whole()
    for name in gone:
        del objects[name]
    for name, item in changed.items():
        objects[name.replace("_", " ")] = item
    return troubles(snapshot(objects))


def test_the_whole_mesh_has_no_trouble() -> None:
    assert broken() == {}


class TestCrds:
    def test_a_missing_crd_is_named(self) -> None:
        objects = whole()
        del objects[VS_CRD]
        checks = found(snapshot(objects))
        assert checks["istio-crds-present"].outcome is FAIL
        assert checks["istio-crds-present"].message == f"{VS} is missing"
        assert troubles(snapshot(objects)) == {"istio-crds-present": FAIL}

    def test_none_at_all_is_said_once(self) -> None:
        objects = {k: v for k, v in whole().items() if not k.startswith("crd ")}
        assert troubles(snapshot(objects)) == {"istio-crds-present": FAIL}
        message = found(snapshot(objects))["istio-crds-present"].message
        assert message == "none of Istio's CRDs is installed"

    def test_an_older_istio_needs_no_crd_that_came_later(self) -> None:
        name = "crd trafficextensions.extensions.istio.io"
        objects = whole()
        del objects[name]
        assert troubles(snapshot(objects)) == {"istio-crds-present": FAIL}
        objects["istiod pod"] = istiod_pod(image="docker.io/istio/pilot:1.29.1")
        old = [knowing(*(sync(p, version="1.29.1") for p in PROXIES), version=None)]
        assert troubles(snapshot(objects, istiods=old)) == {"istio-supported": WARN}

    def test_a_crd_from_before_v1_does_not_serve_it(self) -> None:
        old = crd(VS, [("v1beta1", True, False), ("v1alpha3", True, True)])
        assert broken(**{VS_CRD.replace(" ", "_"): old}) == {"istio-crds-served": FAIL}

    def test_a_version_that_is_defined_and_not_served_does_not_count(self) -> None:
        off = crd(VS, [("v1", False, False), ("v1beta1", True, True)])
        assert broken(**{VS_CRD.replace(" ", "_"): off}) == {"istio-crds-served": FAIL}

    def test_objects_stored_in_a_lost_version_are_a_warning(self) -> None:
        lost = crd(VS, [("v1", True, True)])
        lost["status"]["storedVersions"] = ["v1alpha3", "v1"]
        assert broken(**{VS_CRD.replace(" ", "_"): lost}) == {"istio-crds-stored": WARN}

    def test_a_crd_that_the_api_server_refuses_is_named_with_its_words(self) -> None:
        objects = whole()
        objects[VS_CRD]["status"]["conditions"] = [
            {"type": "NamesAccepted", "status": "False", "message": "vs is taken"}
        ]
        checks = found(snapshot(objects))
        assert checks["istio-crds-established"].message == f"{VS}: vs is taken"
        assert troubles(snapshot(objects)) == {"istio-crds-established": FAIL}

    def test_crds_without_versions_say_nothing_of_what_is_served(self) -> None:
        objects = {k: v | {"spec": {}} if k.startswith("crd ") else v for k, v in whole().items()}
        checks = found(snapshot(objects))
        assert checks["istio-crds-served"].message == "the CRDs' versions were not recorded"
        assert troubles(snapshot(objects)) == {}

    @pytest.mark.parametrize(
        ("name", "bundle", "outcome"),
        [
            ("grpcroutes", "v1.1.0", None),
            ("grpcroutes", "v1.0.0", WARN),
            ("grpcroutes", "", WARN),
            ("tlsroutes", "v1.4.1", WARN),
            ("tlsroutes", "v1.5.0-rc.1", None),
            ("backendtlspolicies", "v1.3.0", WARN),
        ],
    )
    def test_gateway_api_crds_that_istiod_ignores_are_a_warning(
        self, name: str, bundle: str, outcome: Outcome | None
    ) -> None:
        annotation = "gateway.networking.k8s.io/bundle-version"
        names = ("gatewayclasses", "gateways", "httproutes", "referencegrants")
        objects = whole()
        for each in (*names, name):
            full = f"{each}.gateway.networking.k8s.io"
            said = {annotation: bundle if each == name else "v1.5.0"}
            objects[f"crd {full}"] = crd(full, [("v1", True, True)], **said)
        assert troubles(snapshot(objects)).get("gateway-api-crds") is outcome

    def test_half_a_gateway_api_is_a_warning(self) -> None:
        name = "httproutes.gateway.networking.k8s.io"
        assert broken(**{"crd_routes": crd(name)}) == {"gateway-api-crds": WARN}


class TestControlPlane:
    def test_no_istiod_at_all_is_one_failure(self) -> None:
        objects = whole()
        for name in ("istiod", "istiod pod", "injection", "validation"):
            del objects[name]
        assert troubles(snapshot(objects, istiods=[])) == {
            "istiod-found": FAIL,
            "injection-asked-for": FAIL,
        }

    def test_an_istiod_that_is_not_ready_fails_with_what_hangs_on_it(self) -> None:
        objects = whole()
        objects["istiod pod"] = istiod_pod(ready=False)
        objects["istiod endpoints"] = endpoint_slice(ready=False)
        assert troubles(snapshot(objects)) == {
            "istiod-ready": FAIL,
            "istiod-replicas": WARN,
            "istiod-endpoints": FAIL,
            "injection-webhooks-answer": FAIL,
            "validation-webhooks-answer": FAIL,
        }

    def test_a_replica_that_is_missing_is_a_warning(self) -> None:
        assert broken(istiod=istiod_deployment(replicas=2)) == {"istiod-replicas": WARN}

    def test_a_rollout_that_has_not_ended_is_a_warning(self) -> None:
        rolling = istiod_deployment()
        rolling["status"] = {"replicas": 2, "updatedReplicas": 1}
        assert broken(istiod=rolling) == {"istiod-replicas": WARN}

    def test_two_versions_in_one_revision_are_a_warning(self) -> None:
        objects = whole()
        other = istiod_pod(image="docker.io/istio/pilot:1.30.1")
        other["metadata"]["name"] = "istiod-1"
        objects["other"] = other
        known = [
            knowing(*(sync(name) for name in PROXIES)),
            istiod("istiod-1", version="1.30.1"),
        ]
        assert troubles(snapshot(objects, istiods=known)) == {"istiod-versions": WARN}

    @pytest.mark.parametrize(
        ("version", "outcome", "says"),
        [
            ("1.30.2", None, ""),
            ("1.28.0", WARN, "support of 1.28 ended on 2026-07-01"),
            ("1.29.3", WARN, "support of 1.29 was expected to end by 2026-08-31"),
            ("1.12.9", WARN, "1.12.9 is older than Istio 1.20, long without support"),
            ("1.99.0", None, "1.99.0: support is known up to Istio 1.31 (as of 2026-08-31)"),
            ("1.32.0-dev", None, "1.32.0-dev is a development build"),
        ],
    )
    def test_support_is_told_from_the_table(
        self, version: str, outcome: Outcome | None, says: str
    ) -> None:
        objects = whole()
        objects["istiod pod"] = istiod_pod(image=f"docker.io/istio/pilot:{version}")
        read = [knowing(*(sync(p, version=version) for p in PROXIES), version=version)]
        made = snapshot(objects, istiods=read)
        assert troubles(made).get("istio-supported") is outcome
        assert found(made)["istio-supported"].message.startswith(says)


class TestService:
    def test_a_selector_that_misses_istiod_fails(self) -> None:
        objects = whole()
        objects["istiod service"]["spec"]["selector"] = {"app": "pilot"}
        assert troubles(snapshot(objects)) == {"istiod-service": FAIL, "istiod-endpoints": FAIL}

    @pytest.mark.parametrize(
        ("port", "outcome"), [(15012, FAIL), (443, FAIL), (15010, WARN), (15014, WARN)]
    )
    def test_a_port_that_is_missing_weighs_as_much_as_its_use(
        self, port: int, outcome: Outcome
    ) -> None:
        objects = whole()
        spec = objects["istiod service"]["spec"]
        spec["ports"] = [item for item in spec["ports"] if item["port"] != port]
        assert troubles(snapshot(objects)) == {"istiod-service": outcome}

    def test_a_webhook_port_that_leads_elsewhere_fails(self) -> None:
        objects = whole()
        objects["istiod service"]["spec"]["ports"][1]["targetPort"] = 443
        assert troubles(snapshot(objects)) == {"istiod-service": FAIL}
        assert found(snapshot(objects))["istiod-service"].message == (
            "Service istio-system/istiod sends port 443 to 443, istiod listens on 15017"
        )

    def test_no_ready_endpoint_fails_for_the_webhooks_too(self) -> None:
        assert broken(istiod_endpoints=endpoint_slice(ready=False)) == {
            "istiod-endpoints": FAIL,
            "injection-webhooks-answer": FAIL,
            "validation-webhooks-answer": FAIL,
        }

    @pytest.mark.parametrize("name", ["mesh config", "injector config"])
    def test_a_missing_config_map_fails(self, name: str) -> None:
        assert broken(name) == {"istiod-config-maps": FAIL}

    def test_a_config_map_without_its_key_fails(self) -> None:
        empty = config_map("istio", ROOT, other="{}")
        assert broken(mesh_config=empty) == {"istiod-config-maps": FAIL}


class TestTrust:
    def test_a_namespace_without_the_root_fails(self) -> None:
        assert broken("root shop") == {"root-certificate-present": FAIL}

    def test_another_root_in_a_namespace_fails(self) -> None:
        other = root_map("shop", certificate("other"))
        assert broken(root_shop=other) == {"root-certificate-equal": FAIL}

    def test_both_roots_while_they_are_exchanged_are_fine(self) -> None:
        both = root_map("shop", certificate("other") + certificate())
        assert broken(root_shop=both) == {}

    def test_the_secret_istiod_signs_with_counts_before_the_config_map(self) -> None:
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "cacerts", "namespace": ROOT},
            "data": {"root-cert.pem": base64_of(certificate("other"))},
        }
        assert broken(secret=secret) == {"root-certificate-equal": FAIL}

    def test_a_leftover_secret_of_an_istiod_that_does_not_sign_does_not_count(self) -> None:
        objects = whole()
        objects["secret"] = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "istio-ca-secret", "namespace": ROOT},
            "data": {"ca-cert.pem": base64_of(certificate("other"))},
        }
        container = objects["istiod"]["spec"]["template"]["spec"]["containers"][0]
        container["env"] = [{"name": "ENABLE_CA_SERVER", "value": "false"}]
        assert troubles(snapshot(objects)) == {}


class TestWebhooks:
    def test_no_injection_webhook_fails(self) -> None:
        assert broken("injection") == {"injection-webhooks": FAIL, "injection-asked-for": FAIL}

    def test_a_service_that_does_not_exist_does_not_answer(self) -> None:
        objects = whole()
        for entry in objects["injection"]["webhooks"]:
            entry["clientConfig"]["service"]["name"] = "nobody"
        assert troubles(snapshot(objects)) == {"injection-webhooks-answer": FAIL}
        assert found(snapshot(objects))["injection-webhooks-answer"].message == (
            "MutatingWebhookConfiguration istio-sidecar-injector-default calls Service "
            "istio-system/nobody: there is none"
        )

    @pytest.mark.parametrize(
        "bundle",
        ["", base64_of(certificate("other")), base64_of(certificate(days=-1))],
        ids=["empty", "another", "expired"],
    )
    def test_a_ca_bundle_that_is_empty_or_another_is_not_trusted(self, bundle: str) -> None:
        objects = whole()
        objects["injection"]["webhooks"][0]["clientConfig"]["caBundle"] = bundle
        assert troubles(snapshot(objects)) == {"injection-webhooks-trust": FAIL}

    def test_an_expired_ca_bundle_fails_even_where_it_is_the_root(self) -> None:
        pem = certificate("short", days=-1)
        objects = whole()
        objects["root istio-system"], objects["root shop"] = (
            root_map(ROOT, pem),
            root_map("shop", pem),
        )
        for kind in ("injection", "validation"):
            for entry in objects[kind]["webhooks"]:
                entry["clientConfig"]["caBundle"] = base64_of(pem)
        assert troubles(snapshot(objects)) == {
            "injection-webhooks-trust": FAIL,
            "validation-webhooks-trust": FAIL,
        }

    def test_ignore_is_a_warning(self) -> None:
        objects = whole()
        objects["injection"]["webhooks"][0]["failurePolicy"] = "Ignore"
        objects["validation"] = validation(failurePolicy="Ignore")
        assert troubles(snapshot(objects)) == {
            "injection-webhooks-fail-closed": WARN,
            "validation-webhooks-fail-closed": WARN,
        }

    def test_two_webhooks_for_one_namespace_fail(self) -> None:
        twice = injection()
        twice["metadata"]["name"] = "a-copy"
        assert broken(copy=twice) == {"injection-webhooks-distinct": FAIL}

    def test_a_tag_that_leads_to_nothing_fails(self) -> None:
        assert broken(tag=injection("gone", tag="prod")) == {
            "injection-webhooks-answer": FAIL,
            "revision-tags": FAIL,
        }

    def test_a_tag_of_a_living_revision_passes_and_is_named(self) -> None:
        objects = whole() | {"tag": injection(tag="prod")}
        assert troubles(snapshot(objects)) == {}
        assert found(snapshot(objects))["revision-tags"].message == "tag prod → default"

    def test_a_namespace_that_names_a_revision_nobody_serves_fails(self) -> None:
        asking = namespace("pay", **{"istio__io/rev": "canary"})
        assert broken(namespace_pay=asking) == {"injection-asked-for": FAIL}

    def test_no_validation_webhook_is_a_warning(self) -> None:
        assert broken("validation") == {"validation-webhooks": WARN}

    def test_a_webhook_called_by_url_needs_no_service_and_no_bundle(self) -> None:
        objects = whole()
        for kind in ("injection", "validation"):
            for entry in objects[kind]["webhooks"]:
                entry["clientConfig"] = {"url": "https://istiod.example.com/inject"}
        assert troubles(snapshot(objects)) == {}


class TestGateways:
    def test_scaled_to_zero_fails(self) -> None:
        objects = whole()
        del objects["gateway pod"]
        objects["gateway"] = gateway_deployment(replicas=0)
        objects["gateway endpoints"] = gateway_slice(ready=False)
        assert troubles(snapshot(objects)) == {"gateways-ready": FAIL, "gateway-services": FAIL}

    def test_a_pod_that_is_not_ready_fails(self) -> None:
        assert broken(gateway_pod=gateway_pod(ready=False)) == {"gateways-ready": FAIL}

    def test_a_missing_replica_is_a_warning(self) -> None:
        assert broken(gateway=gateway_deployment(replicas=2)) == {"gateways-ready": WARN}

    def test_a_gateway_without_a_service_is_a_warning(self) -> None:
        assert broken("gateway service") == {"gateway-services": WARN}

    def test_a_load_balancer_without_an_address_is_a_warning(self) -> None:
        objects = whole()
        objects["gateway service"]["spec"]["type"] = "LoadBalancer"
        assert troubles(snapshot(objects)) == {"gateway-addresses": WARN}
        objects["gateway service"]["status"] = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}
        assert troubles(snapshot(objects)) == {}

    def test_a_gateway_object_that_selects_nothing_fails(self) -> None:
        objects = whole()
        objects["gateway object"]["spec"]["selector"] = {"istio": "ingress"}
        assert troubles(snapshot(objects)) == {"gateway-selectors": FAIL}
        assert found(snapshot(objects))["gateway-selectors"].message == (
            "Gateway shop/web selects no pod (istio=ingress)"
        )

    @pytest.mark.parametrize(
        ("conditions", "says"),
        [
            ([], "has no condition Accepted: nobody has looked at it"),
            (
                [
                    {"type": "Accepted", "status": "True"},
                    {"type": "Programmed", "status": "False", "message": "no address"},
                ],
                "is not Programmed: no address",
            ),
        ],
    )
    def test_a_gateway_of_the_gateway_api_must_be_programmed(
        self, conditions: list[dict[str, str]], says: str
    ) -> None:
        objects = whole()
        group = "gateway.networking.k8s.io"
        objects["class"] = istio_object(
            "GatewayClass", "istio", "", controllerName="istio.io/gateway-controller"
        )
        for name, kind in (("api", "istio"), ("foreign", "nginx")):
            made = istio_object("Gateway", name, group=group, gatewayClassName=kind)
            made["status"] = {"conditions": conditions}
            objects[name] = made
        assert troubles(snapshot(objects)) == {"gateway-api-programmed": FAIL}
        message = found(snapshot(objects))["gateway-api-programmed"].message
        assert message == f"Gateway shop/api {says}"


class TestDataPlane:
    def test_a_proxy_that_nobody_knows_fails(self) -> None:
        made = snapshot(whole(), connected=PROXIES[1:])
        assert troubles(made) == {"proxies-connected": FAIL}
        assert found(made)["proxies-connected"].message == (
            "Pod shop/web is not connected to istiod"
        )

    def test_a_proxy_that_has_just_started_is_given_time(self) -> None:
        objects = whole()
        status = objects["web"]["status"]["initContainerStatuses"][0]
        status["state"]["running"]["startedAt"] = ago(seconds=20)
        assert troubles(snapshot(objects, connected=PROXIES[1:])) == {}

    def test_without_syncz_nobody_can_say_who_is_connected(self) -> None:
        made = snapshot(whole(), istiods=[istiod("istiod-0", syncs=None, version="1.30.2")])
        assert troubles(made) == {"proxies-connected": UNKNOWN}

    @pytest.mark.parametrize(
        ("version", "outcome"),
        [("1.29.0", None), ("1.28.5", WARN), ("1.31.0", WARN), ("1.30.9", None)],
    )
    def test_proxies_may_be_one_minor_release_behind_and_never_ahead(
        self, version: str, outcome: Outcome | None
    ) -> None:
        objects = whole()
        known = [knowing(sync(PROXIES[0], version=version), sync(PROXIES[1]))]
        assert troubles(snapshot(objects, istiods=known)).get("proxies-versions") is outcome

    @pytest.mark.parametrize(
        ("name", "label", "id"),
        [
            ("istio-cni-node", ("k8s-app", "istio-cni-node"), "istio-cni-ready"),
            ("ztunnel", ("app", "ztunnel"), "ztunnel-ready"),
        ],
    )
    def test_node_agents_must_be_ready_on_every_node(
        self, name: str, label: tuple[str, str], id: str
    ) -> None:
        assert broken(agent=daemon_set(name, label)) == {}
        assert broken(agent=daemon_set(name, label, ready=1)) == {id: FAIL}
        assert broken(agent=daemon_set(name, label, wanted=0, ready=0)) == {id: FAIL}

    def test_an_ambient_namespace_without_ztunnel_fails(self) -> None:
        ambient = namespace("amb", **{"istio__io/dataplane_mode": "ambient"})
        assert broken(namespace_amb=ambient) == {"ztunnel-ready": FAIL}


class TestUnread:
    @pytest.mark.parametrize(
        ("kind", "id"),
        [
            (CRD, "istio-crds-present"),
            (DEPLOYMENT, "istiod-found"),
            (POD, "istiod-ready"),
            (SERVICE, "istiod-service"),
            (ENDPOINT_SLICE, "istiod-endpoints"),
            (CONFIG_MAP, "istiod-config-maps"),
            (MUTATING_WEBHOOK, "injection-webhooks"),
            (NAMESPACE, "injection-webhooks-distinct"),
            (GATEWAY, "gateway-selectors"),
        ],
    )
    def test_what_was_not_read_is_unknown_and_says_why(self, kind: Kind, id: str) -> None:
        checked = found(snapshot(whole(), unread=[kind]))[id]
        assert checked.outcome is UNKNOWN
        assert f"{kind.plural} could not be read (denied: forbidden)" in checked.message

    @pytest.mark.parametrize(
        "kind", [CRD, DEPLOYMENT, POD, SERVICE, ENDPOINT_SLICE, CONFIG_MAP, MUTATING_WEBHOOK]
    )
    def test_what_was_not_read_is_never_a_fault(self, kind: Kind) -> None:
        objects = {k: v for k, v in whole().items() if v["kind"] != kind.name}
        assert FAIL not in troubles(snapshot(objects, unread=[kind])).values()


def test_a_pod_ahead_of_the_gateway_name_is_not_mistaken() -> None:
    objects = whole() | {"other": injected("web-2", ip="10.0.0.9")}
    made = snapshot(objects, connected=(*PROXIES, "web-2.shop"))
    assert troubles(made) == {}
    assert found(made)["gateways-ready"].message == f"Deployment {ROOT}/{GATEWAY_NAME}"

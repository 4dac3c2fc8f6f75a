from __future__ import annotations

from typing import Any

from meshdoctor.collect.named_objects import Naming, is_wanted_config_map, wanted_secrets
from meshdoctor.model.kinds import DESTINATION_RULE, GATEWAY, KUBERNETES_GATEWAY, POD
from tests.unit.collect.stand_in import gateway, pod, thing
from tests.unit.collect.test_plan import resources

PODS = resources(POD, [gateway("gw-1"), gateway("gw-2", "edge", labels={"istio": "edge"}), pod()])


def secrets(**objects: Any) -> set[str]:
    names = wanted_secrets(Naming(pods=PODS, istio_namespaces=(), **objects))
    return {"/".join(name) for name in names}


def server(credential: str) -> dict[str, Any]:
    return {"tls": {"mode": "MUTUAL", "credentialName": credential}}


def test_the_ca_is_looked_for_where_control_planes_run() -> None:
    assert wanted_secrets(Naming(istio_namespaces=("istio-system",))) == (
        ("istio-system", "cacerts"),
        ("istio-system", "istio-ca-secret"),
    )


def test_a_gateways_credential_is_looked_for_at_its_pods_and_beside_itself() -> None:
    door = thing("door", "shop", selector={"istio": "edge"}, servers=[server("cert")])
    assert secrets(gateways=resources(GATEWAY, [door])) == {
        "edge/cert",
        "edge/cert-cacert",
        "shop/cert",
        "shop/cert-cacert",
    }


def test_a_gateways_credential_may_name_its_namespace() -> None:
    servers = [server("kubernetes-gateway://certs/cert"), server("configmap://a/b"), server("")]
    door = thing("door", "shop", selector={"istio": "nothing"}, servers=servers)
    assert secrets(gateways=resources(GATEWAY, [door])) == {"certs/cert", "certs/cert-cacert"}


def test_a_destination_rules_credential_is_looked_for_where_its_callers_are() -> None:
    policy = {"tls": {"credentialName": "client"}}
    rule = thing("rule", "shop", trafficPolicy={"portLevelSettings": [policy]})
    assert {"shop/client", "edge/client", "istio-system/client"} <= secrets(
        destination_rules=resources(DESTINATION_RULE, [rule])
    )
    near = thing(
        "near",
        "shop",
        workloadSelector={"matchLabels": {"app": "web"}},
        subsets=[{"trafficPolicy": policy}],
    )
    assert secrets(destination_rules=resources(DESTINATION_RULE, [near])) == {
        "shop/client",
        "shop/client-cacert",
    }


def test_a_kubernetes_gateways_certificates_are_looked_for_where_it_says() -> None:
    tls = {
        "certificateRefs": [{"name": "a"}, {"name": "b", "namespace": "certs"}],
        "frontendValidation": {"caCertificateRefs": [{"kind": "ConfigMap", "name": "c"}]},
    }
    item = thing("door", "shop", listeners=[{"tls": tls}, {}])
    assert secrets(kubernetes_gateways=resources(KUBERNETES_GATEWAY, [item])) == {
        "shop/a",
        "certs/b",
    }


def test_garbled_objects_name_nothing() -> None:
    garbled = [thing("a", "shop", servers={"tls": []}, selector=3), {"metadata": {"name": "b"}}]
    garbled[1]["spec"] = None
    assert secrets(gateways=resources(GATEWAY, garbled)) == set()


def test_only_istios_own_config_maps_are_wanted() -> None:
    istio = ("istio-system",)
    assert is_wanted_config_map("istio-system", "istio-canary", istio)
    assert is_wanted_config_map("istio-system", "values", istio)
    assert is_wanted_config_map("shop", "istio-ca-root-cert", istio)
    assert not is_wanted_config_map("shop", "istio", istio)
    assert not is_wanted_config_map("istio-system", "grafana", istio)

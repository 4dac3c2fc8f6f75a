from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.analyze.envoy_filter import ANALYZER
from meshdoctor.model.finding import FactState, Finding, Outcome
from meshdoctor.model.snapshot import Snapshot
from tests.build import istio_object, mesh
from tests.unit.analyze.control_plane_build import (
    LDS,
    ago,
    found,
    injected,
    istiod_deployment,
    istiod_pod,
    knowing,
    one,
    refusal,
    sync,
)

LACKS = (
    "Error adding/updating listener(s) main: Didn't find a registered implementation for 'x' "
    "with type URL: 'acme.v1.X'\n"
)
JWKS = "listener virtualInbound: Provider 'a' in jwt_authn config has invalid local jwks"
TLS = "listener 0.0.0.0_8443: Failed to load certificate chain from <inline>"
WEB = ("MD0411", "proxy web.shop", ("Deployment shop/web",))


def refusing(
    *objects: dict[str, Any],
    error: str = LACKS,
    version: str = "1.30.2",
    others: tuple[str, ...] = (),
) -> Snapshot:
    entries = []
    for name in ("web", *others):
        entry = sync(f"{name}.shop", version)
        entry["resources"][LDS] = refusal(error, sent=ago(minutes=1), accepted=ago(minutes=9))
        entries.append(entry)
    pods = [injected(name) for name in ("web", *others)]
    standing = [istiod_deployment(), istiod_pod(), *pods]
    return mesh([*standing, *objects], istiods=[knowing(*entries)])


def fault(seen: Snapshot) -> Finding:
    return one(ANALYZER.analyze(seen), "MD0411", Outcome.FAIL)


def test_a_refusal_that_nothing_explains_is_a_fault_of_the_workload() -> None:
    seen = refusing()
    assert found(ANALYZER, seen, Outcome.FAIL) == [WEB]
    assert {fact.state for fact in fault(seen).facts} == {FactState.HOLDS}


@pytest.mark.parametrize(
    ("version", "error", "word"),
    [
        pytest.param("1.22.0", LACKS, "older than its istiod", id="old"),
        pytest.param("1.30.2", LACKS, "build lacks an extension", id="build"),
        pytest.param("1.30.2", TLS, "certificate or key", id="tls"),
        pytest.param("1.30.2", "duplicate listener main found", "contradict", id="clash"),
        pytest.param("1.30.2", "something else", "what the reason names", id="other"),
    ],
)
def test_the_reason_and_the_versions_say_what_to_do(version: str, error: str, word: str) -> None:
    assert word in fault(refusing(error=error, version=version)).fills["why"]


def test_proxies_that_refuse_for_one_reason_are_one_fault() -> None:
    seen = refusing(others=("api", "db"))
    faults = [item for item in ANALYZER.analyze(seen) if item.outcome is Outcome.FAIL]
    assert len(faults) == 3
    assert {item.objects for item in faults} == {
        ("Deployment shop/api", "Deployment shop/db", "Deployment shop/web")
    }


def test_token_keys_are_left_to_the_request_authentication() -> None:
    policy = istio_object("RequestAuthentication", "jwt", "shop", group="security.istio.io")
    assert found(ANALYZER, refusing(policy, error=JWKS), Outcome.FAIL) == []
    assert found(ANALYZER, refusing(error=JWKS), Outcome.FAIL) == [WEB]


def test_a_gateways_certificate_is_left_to_its_secret() -> None:
    gateway = injected("web")
    gateway["spec"]["containers"] = gateway["spec"].pop("initContainers")
    assert found(ANALYZER, refusing(gateway, error=TLS), Outcome.FAIL) == []
    assert found(ANALYZER, refusing(error=TLS), Outcome.FAIL) == [WEB]


def test_a_waypoint_names_the_gateway_it_runs_for() -> None:
    waypoint = injected("web")
    waypoint["metadata"]["labels"]["gateway.networking.k8s.io/gateway-name"] = "way"
    seen = refusing(waypoint)
    assert fault(seen).objects == ("Deployment shop/web", "Gateway shop/way")

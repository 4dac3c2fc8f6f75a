"""Callers whom no rule lets in, where counters tell and no log does."""

from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.analyze.authorization_no_match import ANALYZER
from meshdoctor.model.finding import FactState
from meshdoctor.model.snapshot import Snapshot
from meshdoctor.parse.envoy.stats import parse_stats
from tests.build import istiod, mesh, proxy
from tests.unit.analyze.authorization_build import (
    CLIENT_NAME,
    EARLIER,
    SUBJECT,
    inbound,
    policy,
    source,
)
from tests.unit.analyze.mtls_build import (
    SERVER,
    client_pod,
    legacy_pod,
    objects,
)
from tests.unit.analyze.traffic_build import log, problems, unknowns

URL = "http://payments.pay:8080/pay"
WEB_NAME = "cluster.local/ns/pay/sa/default"
"""An identity that some pod has, so that configuration alone does not decide."""
COUNTED = "http.inbound_0.0.0.0_8080;.rbac.denied: 31\n"
OFF = log("2026-11-21T07:59:00.000000Z\tinfo\tEnvoy proxy is ready")
UNKNOWN = {"MD0701": ("proxies/istio-proxy.log",)}


def told(made: dict[str, Any], url: str) -> dict[str, Any]:
    made["spec"]["containers"][0]["env"] = [{"name": "UPSTREAM", "value": url}]
    return made


def bank(
    *rules: dict[str, Any],
    url: str = URL,
    legacy_url: str = "",
    stats: str | None = COUNTED,
    text: Any = OFF,
    trust_known: bool = True,
    **more: Any,
) -> Snapshot:
    found = policy(rules=rules or [source(principals=[WEB_NAME])], created=EARLIER, **more)
    client = told(client_pod(serviceAccountName="client"), url)
    legacy = told(legacy_pod(serviceAccountName="legacy"), legacy_url)
    held = [item for item in objects(found, legacy=legacy) if "client-v1-" not in str(item)]
    counters = None if stats is None else parse_stats(stats.encode())
    return mesh(
        [*held, client],
        proxies=[proxy(SERVER, "pay", log=text, stats=counters)],
        istiods=[istiod()] if trust_known else [],
    )


@pytest.mark.parametrize(
    ("text", "state"),
    [
        pytest.param(OFF, FactState.SILENT, id="logs are off"),
        pytest.param(None, FactState.UNREAD, id="the log is unread"),
    ],
)
def test_a_caller_that_no_rule_lets_in_explains_what_the_proxy_counts(
    text: Any, state: FactState
) -> None:
    (found,) = problems(ANALYZER, bank(text=text))
    assert (found.subject, found.root) == (SUBJECT, True)
    assert found.objects == ("AuthorizationPolicy pay/payments",)
    assert [item.source for item in found.affected] == ["Deployment shop/client-v1"]
    assert found.facts[0].state is FactState.HOLDS
    assert found.facts[1].state is state
    assert [item.excerpt for item in found.facts[1].evidence] == [COUNTED.strip(), URL]


@pytest.mark.parametrize(
    ("rules", "options"),
    [
        pytest.param([source(principals=[CLIENT_NAME])], {}, id="the caller is let in"),
        pytest.param([], {"url": "http://other.pay:8080/"}, id="another host is named"),
        pytest.param([], {"url": "http://payments.pay:9000/"}, id="another port is named"),
        pytest.param([], {"stats": COUNTED.replace("31", "0")}, id="nothing is denied"),
        pytest.param([], {"stats": COUNTED.replace("denied", "allowed")}, id="another counter"),
        pytest.param([], {"stats": None}, id="counters are unread"),
        pytest.param([], {"trust_known": False}, id="the trust domain is unread"),
        pytest.param([], {"url": "", "legacy_url": URL}, id="an outsider is told to call"),
        pytest.param(
            [{"to": [{"operation": {"paths": ["/x"]}}]}], {}, id="what it asks for decides"
        ),
        pytest.param([source(requestPrincipals=["*"])], {}, id="a token decides"),
    ],
)
def test_what_may_have_other_reasons_stays_unknown(
    rules: list[dict[str, Any]], options: dict[str, Any]
) -> None:
    snapshot = bank(*rules, **options)
    assert problems(ANALYZER, snapshot) == []
    assert unknowns(ANALYZER, snapshot) == UNKNOWN


def test_a_log_that_speaks_outweighs_the_counter_of_old() -> None:
    assert problems(ANALYZER, bank(text=log(inbound()))) == []

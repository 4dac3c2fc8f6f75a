"""Objects of any shape: the matrix and why 403 answer, and never fall over."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from meshdoctor.intent.authorization import Access
from meshdoctor.model.kinds import POD
from meshdoctor.views.mtls import COLUMNS, rows, to_json
from meshdoctor.views.why_403 import why
from meshdoctor.views.why_403_rows import rows as field_rows
from meshdoctor.views.why_403_rows import to_json as field_json
from tests.build import istio_object, istiod, mesh
from tests.unit.analyze.mtls_build import SERVER, objects

_KEYS = [
    *("mode", "tls", "mtls", "host", "subsets", "name", "labels", "trafficPolicy", "exportTo"),
    *("portLevelSettings", "portLevelMtls", "8080", "port", "number", "loadBalancer", "simple"),
    *("subjectAltNames", "credentialName", "workloadSelector", "selector", "matchLabels"),
    *("rules", "from", "to", "when", "source", "operation", "key", "values", "action", "provider"),
    *("targetRefs", "kind", "principals", "ipBlocks", "paths", "ports", "extensionProviders"),
]
_WORDS = ["STRICT", "ISTIO_MUTUAL", "DISABLE", "SIMPLE", "payments.pay.svc.cluster.local", "*"]
_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 9000) | st.sampled_from(_WORDS),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=4)
    ),
    max_leaves=12,
)
_SPEC = st.dictionaries(st.sampled_from(_KEYS), _ANYTHING, max_size=5)


def strange(kind: str, space: str, spec: dict[str, Any]) -> dict[str, Any]:
    found = istio_object(kind, "strange", space)
    found["spec"] = spec
    return found


@settings(deadline=None, max_examples=60)
@given(rule=_SPEC, policy=_SPEC, config=st.none() | _SPEC)
def test_strange_rules_and_policies_make_rows_all_the_same(
    rule: dict[str, Any], policy: dict[str, Any], config: dict[str, Any] | None
) -> None:
    host = {"host": "payments.pay.svc.cluster.local"}
    built = objects(
        strange("DestinationRule", "shop", {**rule, **host}),
        strange("PeerAuthentication", "pay", policy),
    )
    found = rows(mesh(built, istiods=[istiod(mesh=config)]))
    assert found
    for row in found:
        assert all(isinstance(getattr(row, name), str) for _, name in COLUMNS)
        assert to_json(row)["works"] in ("works", "fails", "unknown")


@settings(deadline=None, max_examples=60)
@given(spec=_SPEC, config=st.none() | _SPEC)
def test_a_strange_authorizationpolicy_is_judged_all_the_same(
    spec: dict[str, Any], config: dict[str, Any] | None
) -> None:
    built = objects(strange("AuthorizationPolicy", "pay", spec))
    snapshot = mesh(built, istiods=[istiod(mesh=config)])
    server = snapshot.catalog.find(POD, "pay", SERVER)
    assert server is not None
    judged = why(snapshot, None, server, 8080)
    assert judged.decision.access in Access
    assert all(field_json(row)["policy"] for row in field_rows(judged))

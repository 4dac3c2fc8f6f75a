"""What a condition says of an object goes into a report that people read and pass on."""

from __future__ import annotations

from meshdoctor.drill.conditions import parse_condition
from meshdoctor.drill.library import drill_for
from meshdoctor.drill.serving import beginning


def said(kind: str, path: list[str]) -> str:
    drill = drill_for("D30")
    assert drill is not None
    world = beginning(drill)
    condition = parse_condition({"field": {"object": kind, "path": path, "equals": "x"}})
    return condition.holds(world.start, world.objects).because


def test_the_report_shows_a_short_value_and_never_one_of_a_secret() -> None:
    mode = said("Gateway shop/shop-gateway", ["spec", "selector", "istio"])
    assert mode == "Gateway shop/shop-gateway spec.selector.istio is ingressgateway"
    secret = said("Secret shop/shop-cert", ["data", "tls.key"])
    assert secret == "Secret shop/shop-cert data.tls.key is set"
    whole = said("Deployment istio-system/istiod", ["spec"])
    assert len(whole) < 300
    assert whole.endswith("…")

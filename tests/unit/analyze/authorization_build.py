"""A bank for hand-built snapshots: payments in pay, client in shop, legacy without a proxy."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.build import NOW, istio_object, mesh, proxy
from tests.unit.analyze.mtls_build import (
    CLIENT,
    CLIENT_IP,
    SERVER,
    SERVER_IP,
    legacy_pod,
    objects,
    server_pod,
)
from tests.unit.analyze.traffic_build import log

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from meshdoctor.analyze.base import Analyzer
    from meshdoctor.model.envoy import ConfigDump
    from meshdoctor.model.snapshot import Snapshot

SUBJECT = "workload Deployment pay/payments-v1"
CLIENT_NAME = "cluster.local/ns/shop/sa/client"
LEGACY_NAME = "cluster.local/ns/legacy/sa/legacy"
NONE_MATCHED = "rbac_access_denied_matched_policy[none]"
SNI = "outbound_.8080_._.payments.pay.svc.cluster.local"
EARLIER = (NOW - timedelta(minutes=10)).strftime("%Y-%m-%dT%H:%M:%SZ")


def policy(
    name: str = "payments",
    space: str = "pay",
    *,
    action: str | None = None,
    rules: Iterable[Mapping[str, Any]] | None = None,
    app: str | None = None,
    created: str | None = EARLIER,
) -> dict[str, Any]:
    """An AuthorizationPolicy; without rules, one that has none."""
    spec: dict[str, Any] = {}
    if action:
        spec["action"] = action
    if rules is not None:
        spec["rules"] = list(rules)
    if app:
        spec["selector"] = {"matchLabels": {"app": app}}
    found = istio_object("AuthorizationPolicy", name, space, **spec)
    if created:
        found["metadata"]["creationTimestamp"] = created
    return found


def source(**fields: Any) -> dict[str, Any]:
    """A rule that asks for the fields of one source."""
    return {"from": [{"source": fields}]}


def authentication(issuer: str = "https://issuer.example", **rule: Any) -> dict[str, Any]:
    """A RequestAuthentication ``pay/jwt`` for the whole namespace."""
    found = istio_object(
        "RequestAuthentication", "jwt", "pay", jwtRules=[{"issuer": issuer, **rule}]
    )
    found["metadata"]["creationTimestamp"] = EARLIER
    return found


def inbound(
    code: int = 200,
    details: str = "via_upstream",
    *,
    ip: str = CLIENT_IP,
    sni: str = "-",
    method: str = "GET",
    path: str = "/pay",
    seconds_ago: float = 10,
) -> str:
    """A line of the server's access log."""
    time = (NOW - timedelta(seconds=seconds_ago)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return (
        f'[{time}] "{method} {path} HTTP/1.1" {code} - {details} - "-" 0 19 4 3 "-" "curl/8" '
        f'"11111111-2222-3333-4444-555555555555" "payments.pay:8080" "-" inbound|8080|| '
        f"- {SERVER_IP}:8080 {ip}:5000 {sni} default"
    )


def refused(details: str = NONE_MATCHED, *, code: int = 403, **more: Any) -> str:
    """A line of a call that was turned away."""
    return inbound(code, details, **more)


def bank(
    *more: Mapping[str, Any],
    lines: Iterable[str] | None = (),
    dump: ConfigDump | None = None,
    logging: bool = True,
    pods: tuple[Mapping[str, Any], Mapping[str, Any]] | None = None,
    **options: Any,
) -> Snapshot:
    """The bank with these policies.

    Args:
        more: policies and further objects.
        lines: what the server logged; None for a log that was not read.
        dump: what the server's proxy holds.
        logging: False for a server whose access log is switched off.
        pods: the server and legacy, in place of the usual ones.
        options: as ``tests.build.mesh`` has them.
    """
    shown = [inbound(seconds_ago=170, path="/old"), *(lines or ())] if logging else []
    server, legacy = pods or (server_pod(), legacy_pod(serviceAccountName="legacy"))
    found = objects(*more, server=server, legacy=legacy)
    for item in found:
        if item["kind"] == "Pod" and item["metadata"]["name"] == CLIENT:
            item["spec"]["serviceAccountName"] = "client"
    text = None if lines is None else log(*shown)
    return mesh(found, proxies=[proxy(SERVER, "pay", log=text, config=dump)], **options)


def outcomes(analyzer: Analyzer, snapshot: Snapshot) -> set[tuple[str, str, str]]:
    """Code, outcome and object at fault of what an analyzer finds."""
    return {
        (f.code, f.outcome.value, f.objects[0] if f.objects else "")
        for f in analyzer.analyze(snapshot)
    }

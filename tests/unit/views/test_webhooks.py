"""The webhooks view: whom each webhook selects, and whether it can answer."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from meshdoctor.intent.webhook_trust import Trust, bundle_trust
from meshdoctor.model.kinds import CONFIG_MAP, ENDPOINT_SLICE, NAMESPACE, POD, SERVICE
from meshdoctor.views.selector_words import selector_words
from meshdoctor.views.webhooks import COLUMNS, WebhookRow, rows, to_json, unread
from tests.build import NOW, istio_object, mesh, service
from tests.unit.analyze.injection_build import (
    INJECTION,
    REV,
    app,
    control_plane,
    injector,
    labelled,
)


def root(days: int = 3650, name: str = "root") -> str:
    """A self-signed certificate as PEM, valid for so many days from the snapshot's moment."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=3650))
        .not_valid_after(NOW + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


ROOT = root()


def bundle(pem: str) -> str:
    return base64.b64encode(pem.encode()).decode()


def root_map(pem: str = ROOT) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "istio-ca-root-cert", "namespace": "istio-system"},
        "data": {"root-cert.pem": pem},
    }


def endpoints(*ready: bool | None) -> dict[str, Any]:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": "istiod-x",
            "namespace": "istio-system",
            "labels": {"kubernetes.io/service-name": "istiod"},
        },
        "endpoints": [
            {
                "addresses": [f"10.0.0.{number}"],
                "conditions": {} if state is None else {"ready": state},
            }
            for number, state in enumerate(ready)
        ],
    }


def with_bundle(text: str | None) -> dict[str, Any]:
    client = {"service": {"namespace": "istio-system", "name": "istiod"}, "caBundle": text}
    return injector(clientConfig=client)


def entry(found: tuple[WebhookRow, ...], prefix: str) -> WebhookRow:
    return next(row for row in found if row.entry.startswith(prefix))


ISTIOD = service("istiod", "istio-system")


class TestWhomItSelects:
    objects = (
        *control_plane(),
        injector(),
        labelled("shop", {INJECTION: "enabled"}),
        labelled("pay", {REV: "default"}),
        labelled("legacy"),
        *app("web", proxy="native"),
        *app("payments", "pay"),
        *app("old", "legacy"),
    )

    def test_selectors_are_evaluated_against_namespaces_and_pods(self) -> None:
        found = rows(mesh(self.objects))
        assert {row.entry.partition(".sidecar")[0]: row.selected for row in found} == {
            "rev.namespace": 1,
            "rev.object": 0,
            "namespace": 1,
            "object": 0,
        }
        assert entry(found, "namespace.").namespaces == ("shop",)
        assert entry(found, "rev.namespace.").namespaces == ("pay",)
        assert entry(found, "namespace.").selects == (
            "namespace: istio-injection=enabled; pod: sidecar.istio.io/inject not false"
        )

    def test_what_was_not_read_is_unknown(self) -> None:
        row = entry(rows(mesh(self.objects, unread=[NAMESPACE, POD])), "namespace.")
        assert (row.namespaces_text, row.selected_text) == ("unknown", "unknown pods")
        said = to_json(row)
        assert (said["namespaces"], said["selected_pods"]) == ("unknown", "unknown")

    def test_a_deactivated_entry_says_so(self) -> None:
        row = rows(mesh([injector(deactivated=True), labelled("shop", {INJECTION: "enabled"})]))[0]
        assert (row.selected, row.namespaces_text) == (0, "none")
        assert "switched off" in row.does

    def test_validation_counts_the_objects_it_would_see(self) -> None:
        validator = {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": "istiod-default-validator", "labels": {REV: "default"}},
            "webhooks": [
                {
                    "name": "validation.istio.io",
                    "rules": [{"apiGroups": ["networking.istio.io"]}],
                    "namespaceSelector": {},
                    "objectSelector": {
                        "matchExpressions": [{"key": REV, "operator": "DoesNotExist"}]
                    },
                }
            ],
        }
        mine = istio_object("Sidecar", "a")
        other = istio_object("Sidecar", "b")
        other["metadata"]["labels"] = {REV: "canary"}
        row = rows(mesh([validator, labelled("shop"), mine, other]))[0]
        assert (row.selected_text, row.namespaces_text) == ("1 objects", "all")
        assert to_json(row)["selected_objects"] == 1

    def test_every_column_is_an_attribute_of_the_row(self) -> None:
        row = rows(mesh([injector()]))[0]
        assert all(hasattr(row, attribute) for _, attribute in COLUMNS)

    def test_unread_lists_are_named(self) -> None:
        from meshdoctor.model.kinds import MUTATING_WEBHOOK

        snapshot = mesh([injector()], unread=[MUTATING_WEBHOOK])
        assert rows(snapshot) == ()
        assert unread(snapshot) == (MUTATING_WEBHOOK.input,)


class TestWhetherItCanAnswer:
    @pytest.mark.parametrize(
        ("objects", "unread_kinds", "text"),
        [
            ([ISTIOD, endpoints(True, None, False)], [], "2 ready"),
            ([ISTIOD, endpoints(False)], [], "none ready"),
            ([ISTIOD], [], "none ready"),
            ([], [], "no such Service"),
            ([ISTIOD, endpoints(True)], [ENDPOINT_SLICE], "unknown"),
            ([ISTIOD, endpoints(True)], [SERVICE], "unknown"),
        ],
    )
    def test_the_service_and_its_ready_endpoints(
        self, objects: list[dict[str, Any]], unread_kinds: list[Any], text: str
    ) -> None:
        assert rows(mesh([injector(), *objects], unread=unread_kinds))[0].endpoints == text

    def test_an_external_control_plane_is_outside(self) -> None:
        row = rows(mesh([injector(clientConfig={"url": "https://istiod.example.com"})]))[0]
        assert (row.service, row.endpoints) == ("https://istiod.example.com", "outside")


class TestTrust:
    @pytest.mark.parametrize(
        ("text", "trust"),
        [
            (bundle(ROOT), Trust.MATCH),
            (bundle(root(name="new") + ROOT), Trust.MATCH),
            (bundle(root()), Trust.DIFFERS),
            ("", Trust.EMPTY),
            (None, Trust.EMPTY),
            ("!!!", Trust.DIFFERS),
            (bundle("no certificate"), Trust.DIFFERS),
        ],
        ids=["same", "both roots", "another root", "empty", "absent", "no base64", "no PEM"],
    )
    def test_the_bundle_is_held_against_the_mesh_root(self, text: str | None, trust: Trust) -> None:
        assert rows(mesh([with_bundle(text), root_map()]))[0].ca_bundle is trust

    @pytest.mark.parametrize("text", ["!!!", "Z2FyYmFnZQ=="])
    def test_no_bundle_differs_from_a_root_that_was_not_read(self, text: str) -> None:
        row = rows(mesh([with_bundle(text), root_map()], unread=[CONFIG_MAP]))[0]
        assert row.ca_bundle is Trust.UNKNOWN

    def test_an_unread_root_is_unknown(self) -> None:
        snapshot = mesh([with_bundle(bundle(ROOT)), root_map()], unread=[CONFIG_MAP])
        row = rows(snapshot)[0]
        assert (row.ca_bundle, row.ca_expires) == (Trust.UNKNOWN, "in 3650d0h")

    @pytest.mark.parametrize(
        ("days", "text"), [(10, "in 10d0h"), (-2, "expired 2d0h ago"), (0, "in 0s")]
    )
    def test_the_expiry_is_counted_from_the_snapshots_moment(self, days: int, text: str) -> None:
        pem = root(days)
        row = rows(mesh([with_bundle(bundle(pem)), root_map(pem)]))[0]
        assert row.ca_expires == text
        assert row.ca_not_after is not None
        expected = NOW + timedelta(days=days)
        assert datetime.fromisoformat(row.ca_not_after).astimezone(UTC) == expected

    @given(st.one_of(st.text(), st.binary().map(base64.b64encode).map(bytes.decode)))
    def test_no_bundle_is_too_strange(self, text: str) -> None:
        assert bundle_trust(mesh([root_map()]), text, "istio-system").trust in (
            Trust.EMPTY,
            Trust.DIFFERS,
        )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.parametrize(
    ("selector", "words"),
    [
        ({}, "any"),
        ({"matchLabels": {"b": "2", "a": "1"}}, "a=1 and b=2"),
        (
            {"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]},
            "a in (1, 2)",
        ),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, "a not 1"),
        ({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, "with a"),
        ({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}, "without a"),
    ],
)
def test_selectors_read_as_a_person_would_say_them(selector: Any, words: str) -> None:
    assert selector_words(selector) == words


@given(JSON)
def test_no_selector_is_too_strange_for_words(selector: Any) -> None:
    assert selector_words(selector)

"""Secrets: what goes, what stays, and what is told of what went."""

from __future__ import annotations

import base64
import datetime
import json
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from meshdoctor.recording.redact import Redactor

PATH = "kubernetes/core/v1/secrets.json"
REDACTED = base64.b64encode(b"REDACTED").decode()
KEYS = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]


def key_pem(key: ec.EllipticCurvePrivateKey, password: bytes | None = None) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(password)
        if password
        else serialization.NoEncryption(),
    )


def certificate(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shop.example.com")])
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=90))
        .sign(key, hashes.SHA256())
    )


def revocations(key: ec.EllipticCurvePrivateKey) -> bytes:
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateRevocationListBuilder().issuer_name(certificate(key).subject)
    crl = builder.last_update(start).next_update(start + datetime.timedelta(days=1))
    return crl.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


PEM = serialization.Encoding.PEM
CERTIFICATE = certificate(KEYS[0]).public_bytes(PEM)
OTHER = certificate(KEYS[1]).public_bytes(PEM)
DER = certificate(KEYS[0]).public_bytes(serialization.Encoding.DER)


def secret(data: dict[str, bytes], **more: Any) -> dict[str, Any]:
    encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
    return {"metadata": {"name": "shop-cert", "namespace": "shop"}, "data": encoded, **more}


def redact(*items: dict[str, Any], indent: int | None = None) -> list[dict[str, Any]]:
    data = json.dumps({"kind": "SecretList", "items": items}, indent=indent).encode()
    after = Redactor().redact(PATH, data)
    assert after.count(b"\n") == data.count(b"\n")
    found: list[dict[str, Any]] = json.loads(after)["items"]
    return found


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize(
    ("data", "facts"),
    [
        ({"tls.crt": CERTIFICATE, "tls.key": key_pem(KEYS[0])}, (True, True)),
        ({"tls.crt": OTHER, "tls.key": key_pem(KEYS[0])}, (True, False)),
        ({"cert": CERTIFICATE, "key": key_pem(KEYS[0])}, (True, True)),
        ({"ca-cert.pem": CERTIFICATE, "ca-key.pem": key_pem(KEYS[0])}, (True, True)),
        ({"cert.pem": CERTIFICATE, "key.pem": key_pem(KEYS[0])}, (True, True)),
        ({"web.crt": CERTIFICATE, "web.key": key_pem(KEYS[1])}, (True, False)),
        ({"tls.key": key_pem(KEYS[0])}, (True, None)),
        ({"tls.crt": b"garbage", "tls.key": key_pem(KEYS[0])}, (True, None)),
        ({"tls.crt": CERTIFICATE, "tls.key": b"garbage"}, (False, None)),
        ({"tls.crt": CERTIFICATE, "tls.key": key_pem(KEYS[0], b"pw")}, (False, None)),
        ({"tls.crt": CERTIFICATE, "tls.key": CERTIFICATE + key_pem(KEYS[0])}, (True, True)),
    ],
)
def test_of_a_private_key_only_its_fitness_is_told(
    data: dict[str, bytes], facts: tuple[bool, bool | None], indent: int | None
) -> None:
    (found,) = redact(secret(data), indent=indent)
    name = next(key for key in data if "key" in key)
    assert found["data"][name] == REDACTED
    assert found["derived"][name] == {"parses": facts[0], "matchesCertificate": facts[1]}


@pytest.mark.parametrize(
    "value",
    [CERTIFICATE, CERTIFICATE + b"\n" + OTHER, DER, revocations(KEYS[0]), b"", b"\n"],
    # The keys are made anew in each process of a run.
    ids=["one", "chain", "der", "revocations", "empty", "blank"],
)
def test_what_is_public_stays(value: bytes) -> None:
    before = secret({"ca.crt": value, "crl": revocations(KEYS[0])})
    assert redact(before) == [before]


@pytest.mark.parametrize(
    "value",
    [
        b"hunter2",
        b"\xff\xfe\x00binary",
        b"-----BEGIN CERTIFICATE-----\nMIIBsecret\n-----END CERTIFICATE-----\n",
        key_pem(KEYS[0]),
        CERTIFICATE + key_pem(KEYS[0]),
    ],
    ids=["word", "binary", "no-certificate", "key", "certificate-and-key"],
)
def test_what_is_not_public_goes_whatever_its_name(value: bytes) -> None:
    (found,) = redact(secret({"ca.crt": value, "any": value}))
    assert found["data"] == {"ca.crt": REDACTED, "any": REDACTED}


def test_a_certificate_that_does_not_parse_is_told() -> None:
    (found,) = redact(secret({"tls.crt": b"garbage"}))
    assert found["derived"] == {"tls.crt": {"parses": False, "matchesCertificate": None}}


def test_words_around_a_certificate_go_and_the_certificate_stays() -> None:
    (found,) = redact(secret({"ca.crt": b"password hunter2\n" + CERTIFICATE}))
    assert base64.b64decode(found["data"]["ca.crt"]) == CERTIFICATE


def test_a_value_that_was_redacted_before_keeps_what_was_told_of_it() -> None:
    told = {"tls.key": {"parses": True, "matchesCertificate": False}}
    before = secret({"tls.crt": CERTIFICATE, "tls.key": b"REDACTED"}, derived=told)
    assert redact(before) == [before]


def test_a_new_fact_joins_those_that_were_told() -> None:
    told = {"a.key": {"parses": True, "matchesCertificate": None}}
    data = {"a.key": b"REDACTED", "b.key": key_pem(KEYS[0])}
    (found,) = redact(secret(data, derived=told))
    assert found["derived"] == {**told, "b.key": {"parses": True, "matchesCertificate": None}}


def test_what_kubectl_applied_is_redacted_inside_and_kept_outside() -> None:
    applied = {
        "apiVersion": "v1",
        "data": {"password": base64.b64encode(b"hunter2").decode(), "empty": ""},
        "kind": "Secret",
        "metadata": {"annotations": {"note": 'a <b> & "c"'}, "name": "shop-cert"},
        "stringData": {"word": "hunter3"},
    }
    before = secret({})
    key = "kubectl.kubernetes.io/last-applied-configuration"
    before["metadata"]["annotations"] = {key: json.dumps(applied) + "\n"}
    (found,) = redact(before)
    text = found["metadata"]["annotations"][key]
    after = json.loads(text)
    assert text.endswith("\n")
    assert after["data"] == {"password": REDACTED, "empty": ""}
    assert after["stringData"] == {"word": "REDACTED"}
    assert after["metadata"] == applied["metadata"]


def test_managed_fields_and_types_stay() -> None:
    fields: list[Any] = [{"fieldsV1": {"f:data": {".": {}, "f:tls.key": {}, "f:password": {}}}}]
    before = secret({"any": b"x" * 9}, type="kubernetes.io/tls", immutable=True)
    before["metadata"]["managedFields"] = fields
    (found,) = redact(before)
    assert found["metadata"] == before["metadata"]
    assert found["type"] == "kubernetes.io/tls"


def test_a_secret_anywhere_in_a_document_is_found() -> None:
    document = {"objects": [{"deep": {"kind": "Secret", "data": {"a": "aHVudGVyMg=="}}}]}
    after = Redactor().redact("istiod/i/p/debug/configz.json", json.dumps(document).encode())
    assert json.loads(after)["objects"][0]["deep"]["data"] == {"a": REDACTED}


def test_two_fields_of_one_name_are_both_redacted() -> None:
    text = b'{"items":[{"data":{"a":"aHVudGVyMg=="},"data":{"a":"aHVudGVyMw=="}}]}'
    after = Redactor().redact(PATH, text)
    assert b"aHVudGVyM" not in after
    assert after.count(REDACTED.encode()) == 2


@pytest.mark.parametrize(
    "text",
    [
        b'{"items":[{"data":{"a":"aHVudGVyMg==\n',
        b"\xff aHVudGVyMg==",
        b"[" * 9000 + b"aHVudGVyMg==",
    ],
)
def test_secrets_that_cannot_be_parsed_are_hidden_whole(text: bytes) -> None:
    redactor = Redactor()
    after = redactor.redact(PATH, text)
    assert b"aHVudGVyMg" not in after
    assert after.count(b"\n") == text.count(b"\n")
    assert [entry.rule for entry in redactor.log()] == ["unreadable-secrets"]
    assert redactor.redact(PATH, after) == after


def test_the_log_counts_the_values() -> None:
    redactor = Redactor()
    items = [secret({"a": b"one-value", "b": b"two-value", "ca.crt": CERTIFICATE})]
    redactor.redact(PATH, json.dumps({"kind": "SecretList", "items": items}).encode())
    assert [(e.path, e.rule, e.count) for e in redactor.log()] == [(PATH, "secret-data", 2)]


@pytest.mark.parametrize(
    "document",
    [
        {"metadata": {"annotations": {"example.com/api-token": "hunter2x9z"}}},
        {"metadata": {"annotations": {"vendor.io/password": "hunter2x9z"}}},
        {"env": [{"name": "LDAP_BIND_PW", "value": "hunter2x9z"}]},
        {"match": [{"headers": {"cookie": {"regex": "^(.*;)?user=hunter2x9z(;.*)?$"}}}]},
    ],
)
@pytest.mark.parametrize("indent", [None, 1])
def test_telling_names_are_known_wherever_they_stand(
    document: dict[str, Any], indent: int | None
) -> None:
    data = json.dumps({"items": [document]}, indent=indent).encode()
    after = Redactor().redact("kubernetes/core/v1/pods.json", data)
    assert b"hunter2x9z" not in after
    assert json.loads(after)["items"]


def test_the_prefix_of_a_key_promises_nothing() -> None:
    data = (
        b'{"items":[{"metadata":{"labels":{"token.example.com/tier":"gold","a/token-name":"x"}}}]}'
    )
    assert Redactor().redact("kubernetes/core/v1/pods.json", data) == data

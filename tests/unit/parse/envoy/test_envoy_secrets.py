from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from meshdoctor.parse.envoy.certificate import read_certificates
from tests.unit.parse.envoy.dumps import BORN, CLIENT, inline, pem, read, section

KEY = b"-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"


def secrets(**lists: Any) -> Any:
    return read(section("Secrets", **lists))


def chain_of(data: bytes) -> dict[str, Any]:
    return {"tls_certificate": {"certificate_chain": inline(data), "private_key": inline(KEY)}}


def test_a_chain_is_read_leaf_first() -> None:
    entry = {"name": "default", "version_info": "v", "secret": chain_of(pem() + pem(is_ca=True))}
    secret = secrets(dynamic_active_secrets=[entry]).secrets[0]
    leaf, root = secret.certificates
    assert (secret.type, secret.status, secret.purpose) == (
        "Cert Chain",
        "ACTIVE",
        "tls_certificate",
    )
    assert (leaf.serial, leaf.is_ca, root.is_ca) == ("0a0b", False, True)
    assert leaf.sans == (CLIENT, "client.shop.svc")
    assert leaf.trust_domain == "cluster.local"
    assert leaf.subject == leaf.issuer == "O=cluster.local"
    assert (leaf.not_before, leaf.not_after) == (BORN, BORN + timedelta(days=1))
    assert len(leaf.fingerprint) == 64
    assert leaf.pointer == (
        "/configs/0/dynamic_active_secrets/0/secret/tls_certificate/certificate_chain/inline_bytes"
    )


def test_a_certificate_is_valid_within_its_life_only() -> None:
    certificate = read_certificates(pem(), "")[0][0]
    assert certificate.is_valid_at(BORN + timedelta(hours=1))
    assert not certificate.is_valid_at(BORN - timedelta(seconds=1))
    assert not certificate.is_valid_at(BORN + timedelta(days=2))


def test_keys_are_never_kept() -> None:
    entry = {"name": "default", "secret": chain_of(pem() + KEY)}
    assert "c2VjcmV0" not in repr(secrets(dynamic_active_secrets=[entry]))


def test_every_root_of_a_bundle_is_read() -> None:
    bundle = pem(is_ca=True, serial=1) + pem(is_ca=True, serial=2)
    entry = {"name": "ROOTCA", "secret": {"validation_context": {"trusted_ca": inline(bundle)}}}
    secret = secrets(dynamic_active_secrets=[entry]).secrets[0]
    assert [item.serial for item in secret.certificates] == ["01", "02"]
    assert secret.type == "CA"


def test_spiffe_bundles_name_their_trust_domain() -> None:
    domains = [{"name": "east.local", "trust_bundle": inline(pem(is_ca=True))}]
    custom = {"typed_config": {"trust_domains": domains}}
    entry = {
        "name": "ROOTCA",
        "secret": {"validation_context": {"custom_validator_config": custom}},
    }
    certificate = secrets(dynamic_active_secrets=[entry]).secrets[0].certificates[0]
    assert certificate.trust_domain == "east.local"
    assert certificate.pointer.endswith("/trust_domains/0/trust_bundle/inline_bytes")


def test_a_secret_that_never_came_is_warming_and_empty() -> None:
    waiting = {"name": "kubernetes://shop-cert", "version_info": "uninitialized", "secret": {}}
    dump = secrets(dynamic_warming_secrets=[waiting])
    assert (dump.secrets[0].status, dump.secrets[0].type) == ("WARMING", "")
    assert dump.errors == ()
    assert secrets(dynamic_active_secrets=[waiting]).secrets[0].status == "UNINITIALIZED"


def test_an_active_secret_is_found_before_a_warming_one() -> None:
    entry = {"name": "a", "secret": {}}
    dump = secrets(dynamic_warming_secrets=[entry], dynamic_active_secrets=[entry])
    assert dump.secret("a").state == "active"
    assert dump.secret("b") is None


def test_a_certificate_that_cannot_be_read_is_noted() -> None:
    bad = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    dump = secrets(dynamic_active_secrets=[{"name": "default", "secret": chain_of(bad + pem())}])
    assert len(dump.secrets[0].certificates) == 1
    assert dump.errors[0].endswith("certificate_chain: a certificate that cannot be read")


@given(st.binary(max_size=80), st.integers(min_value=0), st.integers(min_value=0, max_value=40))
def test_a_damaged_certificate_is_counted_or_read(noise: bytes, at: int, cut: int) -> None:
    data = pem()
    at %= len(data)
    found, unread = read_certificates(data[:at] + noise + data[at + cut :], "/p")
    assert len(found) + unread <= 2
    for certificate in found:
        assert certificate.pointer == "/p"

"""Kubernetes' protobuf, written here by hand as Go writes it."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshdoctor.serve.protobuf import MAGIC, ProtobufError, decode
from meshdoctor.serve.protobuf_fields import KINDS, MESSAGES
from meshdoctor.serve.protobuf_fields import Kind as FieldKind
from tests.unit.serve.small_mesh import api


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number: int, value: bytes | str | int) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def envelope(version: str, kind: str, *message: bytes) -> bytes:
    meta = field(1, version) + field(2, kind)
    return MAGIC + field(1, meta) + field(2, b"".join(message)) + field(3, "") + field(4, "")


def test_a_secret_is_read_with_its_labels_and_bytes() -> None:
    label = field(11, field(1, "a") + field(2, "b"))
    metadata = field(1, field(1, "s") + field(3, "shop") + field(8, b"") + field(7, 0) + label)
    data = field(2, field(1, "k") + field(2, b"\x00\xff"))
    assert decode(envelope("v1", "Secret", metadata, data, field(3, "Opaque"))) == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s", "namespace": "shop", "labels": {"a": "b"}},
        "data": {"k": "AP8="},
        "type": "Opaque",
    }


def test_what_means_something_when_it_is_empty_is_kept() -> None:
    spec = field(2, field(1, 0))
    assert decode(envelope("apps/v1", "Deployment", spec))["spec"] == {"replicas": 0}


@pytest.mark.parametrize(
    ("port", "expected"),
    [(field(1, 0) + field(2, 8080), 8080), (field(1, 1) + field(3, "http"), "http")],
)
def test_a_port_is_a_number_or_a_name(port: bytes, expected: object) -> None:
    ports = field(1, field(3, 80) + field(4, port))
    service = decode(envelope("v1", "Service", field(2, ports)))
    assert service["spec"]["ports"] == [{"port": 80, "targetPort": expected}]


def test_times_and_negative_numbers_are_read() -> None:
    metadata = field(1, field(8, field(1, 1_795_248_000)) + field(7, (1 << 64) - 1))
    found = decode(envelope("v1", "ConfigMap", metadata))["metadata"]
    assert found == {"creationTimestamp": "2026-11-21T08:00:00Z", "generation": -1}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        MAGIC,
        envelope("v1", "Pod"),
        envelope("v1", "Secret")[:-3],
        MAGIC + b"\x0a\xff",
        MAGIC + b"\x0b",
        MAGIC + b"\xff" * 20,
        envelope("v1", "Secret", field(1, 5)),
        envelope("v1", "Secret", field(3, b"\xff")),
        envelope("v1", "ConfigMap", field(1, field(8, field(1, 1 << 62)))),
    ],
)
def test_what_cannot_be_read_is_an_error(body: bytes) -> None:
    with pytest.raises(ProtobufError):
        decode(body)


@given(st.sampled_from(sorted(KINDS)), st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(name: tuple[str, str], junk: bytes) -> None:
    for body in (junk, MAGIC + junk, envelope(*name, junk)):
        with suppress(ProtobufError):
            assert "kind" in decode(body)


def test_every_message_that_is_named_is_described() -> None:
    named = {one.message for fields in MESSAGES.values() for one in fields.values()}
    assert (named - {""}) | set(KINDS.values()) <= set(MESSAGES)
    for fields in MESSAGES.values():
        assert all(bool(f.message) is (f.kind is FieldKind.MESSAGE) for f in fields.values())


async def test_a_protobuf_body_creates_an_object_and_an_unknown_one_is_refused() -> None:
    headers = {"Content-Type": "application/vnd.kubernetes.protobuf"}
    path = "/api/v1/namespaces/shop/configmaps"
    async with api() as (_, client):
        body = envelope("v1", "ConfigMap", field(1, field(1, "c")))
        assert (await client.post(path, content=body, headers=headers)).status_code == 201
        pods = path.replace("configmaps", "pods")
        refused = await client.post(pods, content=envelope("v1", "Pod"), headers=headers)
        assert (refused.status_code, refused.json()["reason"]) == (415, "UnsupportedMediaType")

"""Gateway faults made out of other captures."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from meshdoctor.diagnose.diagnosis import diagnose
from meshdoctor.recording.archive import open_archive
from meshdoctor.recording.reader import read_recording
from tests.captures.test_every_capture import capture
from tests.captures.test_missing_inputs import unpack

if TYPE_CHECKING:
    from pathlib import Path

_SECRETS = "kubernetes/core/v1/secrets.json"
_GATEWAYS = "kubernetes/networking.istio.io/v1/gateways.json"


def change(path: Path, edit: Any) -> None:
    document = json.loads(path.read_bytes())
    edit(document["items"])
    path.write_text(json.dumps(document))


def secrets_of(name: str) -> list[dict[str, Any]]:
    data = next(e.data for e in open_archive(capture(name)).entries() if e.path == _SECRETS)
    return [item for item in json.loads(data)["items"] if item["metadata"]["name"] == "shop-cert"]


def answer(folder: Path) -> list[tuple[str, str]]:
    return [(cause.id, cause.objects[0]) for cause in diagnose(read_recording(folder)).root_causes]


@pytest.mark.usefixtures("captures_root", "no_network")
class TestMutations:
    def test_the_missing_secret_beside_the_gateway_object(self, tmp_path: Path) -> None:
        unpack("gateway-credential-missing", tmp_path)
        (secret,) = secrets_of("gateway-healthy-tls")
        secret["metadata"]["namespace"] = "shop"
        change(tmp_path / _SECRETS, lambda items: items.append(secret))
        expected = [("gateway-credential-in-wrong-namespace", "Secret shop/shop-cert")]
        assert answer(tmp_path) == expected
        (tmp_path / _SECRETS).unlink()
        assert answer(tmp_path) == []

    def test_a_key_of_another_certificate(self, tmp_path: Path) -> None:
        def edit(items: list[dict[str, Any]]) -> None:
            for item in items:
                item.pop("derived", None)

        unpack("gateway-healthy-tls", tmp_path)
        change(tmp_path / _SECRETS, edit)
        for path in tmp_path.glob("istiod/*/*/debug/syncz.json"):
            known = json.loads(path.read_bytes())
            for item in known:
                if "gateway" in item["proxy"]:
                    kind = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"
                    item["resources"][kind]["lastError"] = (
                        "Failed to load private key from <inline>, Cause: "
                        "X.509 certificate routines:OPENSSL_internal:KEY_VALUES_MISMATCH"
                    )
            path.write_text(json.dumps(known))
        expected = [("gateway-credential-invalid", "Secret istio-system/shop-cert")]
        assert answer(tmp_path) == expected

    def test_an_expired_certificate_with_and_without_secrets(self, tmp_path: Path) -> None:
        unpack("gateway-healthy-tls", tmp_path)
        about = json.loads((tmp_path / "recording.json").read_bytes())
        about["captured_at"] = "2027-01-21T07:50:47Z"
        (tmp_path / "recording.json").write_text(json.dumps(about))
        expected = ("gateway-certificate-expired", "Secret istio-system/shop-cert")
        assert expected in answer(tmp_path)
        (tmp_path / _SECRETS).unlink()
        assert expected in answer(tmp_path)

    def test_a_second_gateway_that_nobody_uses_adds_no_root_cause(self, tmp_path: Path) -> None:
        def edit(items: list[dict[str, Any]]) -> None:
            for name, spec in (
                ("unused", {"selector": {"istio": "nowhere"}}),
                ("unread", {"servers": [{"port": {"number": 9999}, "hosts": ["x.example.com"]}]}),
            ):
                other = json.loads(json.dumps(items[0]))
                other["metadata"]["name"] = name
                other["spec"].update(spec)
                items.append(other)

        unpack("subset-undefined", tmp_path)
        change(tmp_path / _GATEWAYS, edit)
        assert answer(tmp_path) == [("subset-not-defined", "VirtualService shop/reviews")]

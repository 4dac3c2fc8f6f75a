from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshdoctor.collect import credentials_oidc
from meshdoctor.collect.access import open_access
from meshdoctor.collect.access_error import AccessError
from meshdoctor.collect.credentials_oidc import expiry
from tests.unit.collect.api_server import Options, kubeconfig

SERVER = "https://127.0.0.1:1"


def jwt(hours: float) -> str:
    end = datetime.now(UTC) + timedelta(hours=hours)
    # Characters that standard base64 writes otherwise: + and /.
    payload = json.dumps({"exp": int(end.timestamp()), "name": "ÿþ?>~~ü"}, ensure_ascii=False)
    parts = ["e30", base64.urlsafe_b64encode(payload.encode()).decode().rstrip("="), "sig"]
    return ".".join(parts)


def user(token: str | None) -> dict[str, Any]:
    config = {"idp-issuer-url": "https://idp.invalid", "client-id": "k", "refresh-token": "r"}
    return {
        "auth-provider": {"name": "oidc", "config": config | ({"id-token": token} if token else {})}
    }


async def test_a_token_that_has_not_expired_is_used(tmp_path: Path) -> None:
    token = jwt(1)
    access = await open_access(Options(str(kubeconfig(tmp_path, SERVER, user(token)))))
    assert (await access.credentials.current()).authorization == f"Bearer {token}"


@pytest.mark.parametrize(
    ("token", "words"),
    [(jwt(-1), "run any kubectl command to renew it"), (None, "log in with kubectl")],
    ids=["expired", "none"],
)
async def test_a_token_that_has_expired_is_said_to_have(
    tmp_path: Path, token: str | None, words: str
) -> None:
    with pytest.raises(AccessError, match=words):
        await open_access(Options(str(kubeconfig(tmp_path, SERVER, user(token)))))


async def test_a_token_that_kubectl_has_renewed_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials_oidc, "_READ_AGAIN", 0.0)
    access = await open_access(Options(str(kubeconfig(tmp_path, SERVER, user(jwt(1))))))
    old = await access.credentials.current()
    assert await access.credentials.renewed(old) is None
    newer = jwt(2)
    kubeconfig(tmp_path, SERVER, user(newer))
    renewed = await access.credentials.renewed(old)
    assert renewed is not None
    assert renewed.authorization == f"Bearer {newer}"


@given(st.one_of(st.text(max_size=40), st.builds("a.{}.c".format, st.text(max_size=30))))
def test_no_token_makes_it_stumble(token: str) -> None:
    assert expiry(token) is None or isinstance(expiry(token), datetime)


def test_an_end_beyond_all_times_is_none() -> None:
    payload = base64.urlsafe_b64encode(b'{"exp": 1e300}').decode()
    assert expiry(f"a.{payload}.c") is None

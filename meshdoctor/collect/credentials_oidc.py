"""The legacy ``oidc`` auth-provider: its id-token is used as it is found in the kubeconfig.

Renewing it is left to kubectl, which writes the new tokens back to the file: a provider that
rotates refresh tokens would otherwise log the person out of kubectl. (The ``kubernetes`` package
renews without checking the provider's certificate: docs/adr/0008.)
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import msgspec

from meshdoctor.collect.access_error import AccessError
from meshdoctor.collect.credentials import Login, bearer

Reload = Callable[[], Mapping[str, Any]]
"""Reads the auth-provider's ``config`` from the kubeconfig again."""
_READ_AGAIN = 10.0
"""Seconds after which the file is read again when its token has expired."""


class _Claims(msgspec.Struct):
    exp: float | None = None


def expiry(token: str) -> datetime | None:
    """When a JWT ends; None when it does not say, or is none."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        payload = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        seconds = msgspec.json.decode(payload, type=_Claims).exp
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    except (binascii.Error, ValueError, OverflowError, OSError, msgspec.MsgspecError):
        return None


class OidcCredentials:
    """An id-token that kubectl keeps fresh."""

    def __init__(self, user: str, config: Mapping[str, Any], reload: Reload) -> None:
        """Take what the kubeconfig holds.

        Args:
            user: name of the kubeconfig's user.
            config: of its auth-provider.
            reload: reads it again.
        """
        self._user = user
        self._token = str(config.get("id-token") or "")
        self._reload = reload
        self._looked_at = monotonic()

    async def current(self) -> Login:
        """The token, read again when it has expired.

        Raises:
            AccessError: there is none that has not expired.
        """
        end = expiry(self._token)
        if not self._token or (end is not None and end <= datetime.now(UTC)):
            await self._look_again()
            end = expiry(self._token)
        if not self._token:
            raise AccessError(f'user "{self._user}" has no OIDC token yet; log in with kubectl')
        if end is not None and end <= datetime.now(UTC):
            raise AccessError(
                f'the OIDC token of user "{self._user}" expired at {end:%Y-%m-%dT%H:%M:%SZ}; '
                "run any kubectl command to renew it, then try again"
            )
        return Login(bearer(self._token, f'the OIDC token of user "{self._user}"'))

    async def renewed(self, refused: Login) -> Login | None:
        """The file's token when it is another one by now."""
        await self._look_again()
        login = await self.current()
        return None if login == refused else login

    async def _look_again(self) -> None:
        if self._token and monotonic() - self._looked_at < _READ_AGAIN:
            return
        self._looked_at = monotonic()
        config = await asyncio.to_thread(self._reload)
        self._token = str(config.get("id-token") or "")

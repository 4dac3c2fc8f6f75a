"""What proves to an API server who one is, kept fresh."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from meshdoctor.collect.access_error import AccessError

if TYPE_CHECKING:
    from pathlib import Path

    from meshdoctor.collect.kubeconfig_entries import User

_READ_AGAIN = 10.0
"""Seconds after which a token file is read again; service-account tokens rotate hourly."""


@dataclass(frozen=True, slots=True)
class Login:
    """One set of credentials; nothing of it may be shown."""

    authorization: str = ""
    """Value of the ``Authorization`` header; empty for none."""
    certificate: bytes = b""
    """The client's certificate chain as PEM; empty for none."""
    key: bytes = b""
    """Its private key as PEM."""

    def __repr__(self) -> str:
        """Nothing: all of it is secret."""
        return "Login(…)"


class Credentials(Protocol):
    """A source of logins."""

    async def current(self) -> Login:
        """What to use now.

        Raises:
            AccessError: there is none to be had.
        """

    async def renewed(self, refused: Login) -> Login | None:
        """A newer login after the server refused one; None when there is no newer one.

        Raises:
            AccessError: there is none to be had.
        """


def bearer(token: str, where: str) -> str:
    """The header value for a token.

    Raises:
        AccessError: the token cannot stand in a header.
    """
    token = token.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise AccessError(f"{where} holds no token: log in again")
    return f"Bearer {token}"


class FixedCredentials:
    """Credentials that do not change."""

    def __init__(self, login: Login) -> None:
        """Take them.

        Args:
            login: a token, a password or a certificate; an empty one for an anonymous caller.
        """
        self._login = login

    async def current(self) -> Login:
        """Always the same."""
        return self._login

    async def renewed(self, refused: Login) -> Login | None:
        """There is never a newer one."""
        return None


class TokenFileCredentials:
    """A token in a file that somebody else keeps fresh (``tokenFile``, a service account)."""

    def __init__(self, file: Path, certificate: bytes = b"", key: bytes = b"") -> None:
        """Nothing is read yet.

        Args:
            file: that holds the token.
            certificate: of the client, when it has one as well.
            key: of that certificate.
        """
        self._file = file
        self._certificate, self._key = certificate, key
        self._login: Login | None = None
        self._read_at = 0.0

    async def current(self) -> Login:
        """The token as the file holds it.

        Raises:
            AccessError: it was never readable.
        """
        if self._login is None or monotonic() - self._read_at > _READ_AGAIN:
            self._login = await asyncio.to_thread(self._read)
            self._read_at = monotonic()
        return self._login

    async def renewed(self, refused: Login) -> Login | None:
        """The file's token when it is another one by now."""
        self._read_at = -_READ_AGAIN
        login = await self.current()
        return None if login == refused else login

    def _read(self) -> Login:
        try:
            token = bearer(self._file.read_text(encoding="utf-8"), f"the token file {self._file}")
        except (OSError, UnicodeDecodeError, AccessError) as error:
            # A file that is being replaced may be gone for a moment: the old token still counts.
            if self._login is not None:
                return self._login
            if isinstance(error, AccessError):
                raise
            why = error.strerror if isinstance(error, OSError) else "it is not text"
            raise AccessError(f"cannot read the token file {self._file}: {why}") from None
        return Login(token, self._certificate, self._key)


def fixed_login(user: User) -> Login:
    """The user's token, password or certificate.

    Raises:
        AccessError: a file cannot be read, or half of a pair is missing.
    """
    certificate = user.certificate.read("client certificate")
    key = user.key.read("client key")
    if bool(certificate) != bool(key):
        missing = "client-key" if certificate else "client-certificate"
        raise AccessError(
            f'user "{user.name}" has half of a certificate and its key; add {missing} '
            "to the kubeconfig"
        )
    if user.token:
        return Login(bearer(user.token, f'the token of user "{user.name}"'), certificate, key)
    if user.username:
        pair = f"{user.username}:{user.password}".encode()
        return Login(f"Basic {base64.b64encode(pair).decode()}", certificate, key)
    return Login("", certificate, key)

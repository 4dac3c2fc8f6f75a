"""Logins for requests: renewed when one is refused, and never told to anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.collect.access_error import AccessError
from meshdoctor.collect.api import ReadError
from meshdoctor.collect.read_reasons import one_line
from meshdoctor.model.not_read import NotReadStatus

if TYPE_CHECKING:
    from datetime import datetime

    from meshdoctor.collect.access import Access
    from meshdoctor.collect.credentials import Login

_SHORTEST = 8
"""Shorter words may stand in a sentence by chance."""


class LoginDesk:
    """Hands out logins."""

    def __init__(self, access: Access) -> None:
        """Nothing is asked yet.

        Args:
            access: whose credentials.
        """
        self._access = access

    async def current(self) -> Login:
        """What to log in with now.

        Raises:
            ReadError: there is nothing.
        """
        try:
            login = await self._access.credentials.current()
            self._access.tls(login)
        except AccessError as error:
            raise _denied(str(error)) from None
        return login

    async def renewed(self, refused: Login, refusal: ReadError) -> Login:
        """Another login after one was refused.

        Args:
            refused: the one that was used.
            refusal: what the server said of it.

        Raises:
            ReadError: there is no other one.
        """
        try:
            login = await self._access.credentials.renewed(refused)
            if login is not None:
                self._access.tls(login)
                return login
        except AccessError as error:
            raise _denied(str(error)) from None
        raise self.refused(refused, refusal)

    def refused(self, login: Login, refusal: ReadError) -> ReadError:
        """The error for a login that was refused and cannot be renewed.

        Args:
            login: the one that was used.
            refusal: what the server said of it.
        """
        return _denied(self._why(login, self.without_secrets(refusal, login)))

    def without_secrets(self, error: ReadError, login: Login) -> ReadError:
        """An error whose words hold nothing of the login, whatever the server echoed."""
        for word in login.authorization.split(" "):
            if len(word) >= _SHORTEST and word in error.reason:
                error.reason = error.reason.replace(word, "REDACTED")
                error.args = (error.reason,)
        return error

    def _why(self, refused: Login, refusal: ReadError) -> str:
        access = self._access
        words = f"{access.server} does not accept the login of context {access.context}"
        end = certificate_end(refused.certificate) if refused.certificate else None
        if end is not None and end < _now():
            return f"{words}: the client certificate expired at {end:%Y-%m-%dT%H:%M:%SZ}"
        return f"{words} ({refusal.reason}): log in again"


def _now() -> datetime:
    from datetime import UTC, datetime

    return datetime.now(UTC)


def certificate_end(pem: bytes) -> datetime | None:
    """When a certificate expires; None when it cannot be read."""
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificate(pem).not_valid_after_utc
    except ValueError:
        return None


def _denied(reason: str) -> ReadError:
    return ReadError(NotReadStatus.DENIED, one_line(reason), 401)

"""What stands in a secret's place: the same for the same secret, within one recording."""

from __future__ import annotations

import secrets
from hashlib import blake2b

_DIGITS = 3
_SALT = 32


class Tokens:
    """Makes ``<token:a1b2c3>`` of secrets, under a salt that is never written anywhere."""

    def __init__(self, salt: bytes | None = None) -> None:
        """Take a salt.

        Args:
            salt: for tests; otherwise random, so that nobody can try out guesses.
        """
        self._salt = salt or secrets.token_bytes(_SALT)

    def token(self, secret: bytes) -> bytes:
        """What replaces a secret: it needs no escaping in JSON, YAML or a URL's log line."""
        digest = blake2b(secret, key=self._salt, digest_size=_DIGITS).hexdigest()
        return b"<token:%s>" % digest.encode()

"""Asks on the private path of a server that another process runs on this machine."""

from __future__ import annotations

import json
import ssl
from dataclasses import dataclass
from http.client import HTTPException, HTTPSConnection
from typing import Any

from meshdoctor.serve.control_path import CONTROL_ROOT, ControlError

_PATIENCE = 60.0
"""Seconds for one answer: the largest meshes take seconds to grade."""
_HOST = "127.0.0.1"


class UnreachableError(Exception):
    """Nobody answers there; the message is one line."""


@dataclass(frozen=True, slots=True)
class ControlClient:
    """A client of one server. It connects to 127.0.0.1 only, through no proxy."""

    port: int
    ca_pem: str
    """The one certificate to trust."""
    token: str

    def ask(self, verb: str, **given: object) -> Any:
        """Ask for something.

        Args:
            verb: what is asked.
            given: what goes with it.

        Raises:
            ControlError: it was understood, and cannot be answered.
            UnreachableError: nobody answers, or not as this server does.
        """
        trust = ssl.create_default_context(cadata=self.ca_pem)
        connection = HTTPSConnection(_HOST, self.port, timeout=_PATIENCE, context=trust)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        try:
            connection.request("POST", f"{CONTROL_ROOT}{verb}", json.dumps(given), headers)
            answer = connection.getresponse()
            document = json.loads(answer.read())
        except (OSError, HTTPException, ValueError) as error:
            raise UnreachableError(f"{_HOST}:{self.port} does not answer: {error}") from None
        finally:
            connection.close()
        if answer.status != 200:
            raise ControlError(str(document.get("message")))
        return document

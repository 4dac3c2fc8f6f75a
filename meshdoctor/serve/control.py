"""A private path beside the API: who has its token may ask whoever runs the server."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from meshdoctor.parse.documents import decode_object
from meshdoctor.parse.errors import ParseError
from meshdoctor.serve.answer import json_answer
from meshdoctor.serve.auth import has_token
from meshdoctor.serve.control_path import CONTROL_ROOT, ControlError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Control:
    """Who answers on the private path."""

    token: str
    """Another than the API's: a kubeconfig does not open this path."""
    answer: Callable[[str, Mapping[str, Any]], object]
    """Called in the server's loop with the verb and what was sent; gives what JSON can hold."""


def control_middleware(control: Control) -> Middleware:
    """The middleware that keeps the private path from the API's handlers; the outermost one.

    Args:
        control: who answers.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith(CONTROL_ROOT):
            return await handler(request)
        if request.method != "POST" or not has_token(request, control.token):
            return _refusal(401, "Unauthorized")
        try:
            given = decode_object(await request.read() or b"{}")
            return json_answer(control.answer(request.path.removeprefix(CONTROL_ROOT), given))
        except (ControlError, ParseError) as error:
            return _refusal(400, str(error))
        except Exception as error:
            _log.exception("%s", request.path)
            return _refusal(500, f"{type(error).__name__}: {error}")

    return middleware


def _refusal(status: int, message: str) -> web.Response:
    return json_answer({"message": " ".join(message.split())}, status)

"""Answers as JSON."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web

from meshdoctor.serve.representation import JSON


def json_answer(document: Any, status: int = 200, content_type: str = JSON) -> web.Response:
    """A document as the answer to a request.

    Args:
        document: any JSON value.
        status: the HTTP status.
        content_type: with its parameters.
    """
    body = msgspec.json.encode(document) + b"\n"
    return web.Response(status=status, body=body, headers={"Content-Type": content_type})

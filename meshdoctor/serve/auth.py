"""Who may ask: whoever has the token; who has none may know that the server lives."""

from __future__ import annotations

import hmac

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from meshdoctor.serve.streams_refusal import status_object, status_response

_PUBLIC = ("/healthz", "/livez", "/readyz")
_SCHEME = "bearer "


def _is_public(path: str) -> bool:
    return any(path == one or path.startswith(f"{one}/") for one in _PUBLIC)


def has_token(request: web.Request, token: str) -> bool:
    """Whether a request proves that it may be made, compared in constant time.

    Args:
        request: as it came.
        token: the bearer token that is right.
    """
    header = request.headers.get("Authorization", "")
    given = header[len(_SCHEME) :] if header.lower().startswith(_SCHEME) else ""
    return hmac.compare_digest(given.strip().encode(), token.encode())


def auth_middleware(token: str) -> Middleware:
    """The middleware that lets nobody in without the bearer token.

    Args:
        token: the one that is right.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if has_token(request, token) or _is_public(request.path):
            return await handler(request)
        return status_response(status_object(401, "Unauthorized"))

    return middleware

"""Every request to the server is audited here, also those that a fault cuts short."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from meshdoctor.serve.audit import AdminRequest, Audit, AuditedRequest

if TYPE_CHECKING:
    from collections.abc import Iterator


class Unanswered(web.Response):
    """What a handler returns that has cut the connection: nothing of it is ever sent."""


class Note:
    """The audit's entry of the request at hand, for handlers that know more."""

    def __init__(self, audit: Audit, number: int) -> None:
        self._audit = audit
        self._number = number

    def update(self, **changes: Any) -> None:
        """Add what is known, such as ``status=101``, ``command=`` or ``ports=``."""
        self._audit.update(self._number, **changes)

    def admin(self, port: int, method: str, path: str) -> None:
        """Add one request made inside the stream."""
        self._audit.update(self._number, admin=AdminRequest(port, method, path))


def note_of(request: web.Request) -> Note | None:
    """The audit's entry of a request; None where there is no audit."""
    return request.get(_NOTE)


_NOTE: web.RequestKey[Note] = web.RequestKey("meshdoctor.audit", Note)


def _impersonate(request: web.Request) -> Iterator[tuple[str, str]]:
    for name, value in request.headers.items():
        if name.lower().startswith("impersonate-"):
            yield name, value


def _entry(request: web.Request) -> AuditedRequest:
    query = request.query
    ports = [part for value in query.getall("ports", ()) for part in value.split(",")]
    return AuditedRequest(
        method=request.method,
        path=request.path,
        query=tuple(query.items()),
        user_agent=request.headers.get("User-Agent", ""),
        impersonate=tuple(_impersonate(request)),
        command=tuple(query.getall("command", ())),
        ports=tuple(int(port) for port in ports if port.isdecimal() and len(port) < 6),
    )


def audit_middleware(audit: Audit) -> Middleware:
    """The middleware that writes everything down; it belongs before all others."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        note = Note(audit, number := audit.begin(_entry(request)))
        request[_NOTE] = note
        try:
            response = await handler(request)
        except web.HTTPException as error:
            note.update(status=error.status)
            raise
        except Exception:
            note.update(status=500)
            raise
        else:
            unanswered = isinstance(response, Unanswered)
            note.update(status=None if unanswered else response.status)
            return response
        finally:
            audit.end(number)

    return middleware

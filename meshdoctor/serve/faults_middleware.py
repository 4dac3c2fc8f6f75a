"""Faults of requests to the API. Those inside a pod are applied where the pod is played."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from meshdoctor.serve.faults import Faults
from meshdoctor.serve.faults_body import reset, spoil, spoiled_watch
from meshdoctor.serve.faults_spec import BODY_KINDS, FaultKind
from meshdoctor.serve.request_info import RequestInfo, request_info
from meshdoctor.serve.streams_end import until_over
from meshdoctor.serve.streams_refusal import status_object, status_response

if TYPE_CHECKING:
    from meshdoctor.serve.audit_middleware import Unanswered
    from meshdoctor.serve.faults_spec import Fault

_FAULTS: web.RequestKey[Faults] = web.RequestKey("meshdoctor.faults", Faults)
_PREPARED: web.RequestKey[web.StreamResponse] = web.RequestKey(
    "meshdoctor.prepared", web.StreamResponse
)
_EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You can "
    "start a new list without the continue parameter, or use the continue token in this response "
    "to retrieve the remainder of the results."
)
_MESSAGES = {
    401: "Unauthorized",
    429: "Too many requests, please try again later.",
    500: "Internal error occurred: etcdserver: request timed out",
    503: "the server is currently unable to handle the request",
    504: "the server was unable to return a response in the time allotted",
}


def faults_of(request: web.Request) -> Faults | None:
    """The faults in force, for handlers that play a pod; None where there are none."""
    return request.get(_FAULTS)


async def remember_prepared(request: web.Request, response: web.StreamResponse) -> None:
    """Signal: note the answer that was begun, so that a dropped watch ends as a whole one does."""
    request[_PREPARED] = response


def forbidden_message(info: RequestInfo, user: str = "meshdoctor") -> str:
    """What the API server says to whom RBAC does not allow a request."""
    group = f'API group "{info.group}"'
    subject = f'"{info.name}" is' if info.name else "is"
    kind = f"{info.resource}.{info.group}" if info.group else info.resource
    where = f'in the namespace "{info.namespace}"' if info.namespace else "at the cluster scope"
    return (
        f'{kind} {subject} forbidden: User "{user}" cannot {info.verb} resource '
        f'"{info.target}" in {group} {where}'
    )


def _status_answer(info: RequestInfo, fault: Fault) -> web.Response:
    if fault.kind is FaultKind.DENY:
        facts = {"name": info.name, "group": info.group, "kind": info.resource}
        about = {key: value for key, value in facts.items() if value}
        return status_response(status_object(403, forbidden_message(info), details=about))
    if fault.kind is FaultKind.EXPIRE:
        return status_response(status_object(410, _EXPIRED))
    message = _MESSAGES.get(fault.code, f"a fault on demand: {fault.text}")
    if fault.code == 403:
        message = forbidden_message(info)
    seconds = fault.retry_after
    details: dict[str, object] = {} if seconds is None else {"retryAfterSeconds": seconds}
    if fault.code == 404:
        message = "the server could not find the requested resource"
        if info.name:
            # As when an object is gone: who asks can tell it from a resource that is not served.
            message = f'{info.resource} "{info.name}" not found'
            details |= {"name": info.name, "kind": info.resource}
    return status_response(status_object(fault.code, message, details=details))


async def _silence(request: web.Request) -> Unanswered:
    """Wait until the client has had enough, or the server stops."""
    await until_over(request)
    return reset(request)


async def _dropped(request: web.Request, handler: Handler, seconds: float) -> web.StreamResponse:
    """Let a stream live for a while, then end it."""
    task = asyncio.ensure_future(_run(handler, request))
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        task.cancel()
        raise
    if done:
        return task.result()
    prepared = request.get(_PREPARED)
    task.cancel()
    with suppress(asyncio.CancelledError, ConnectionError):
        await task
    if isinstance(prepared, web.StreamResponse) and not isinstance(prepared, web.WebSocketResponse):
        prepared.force_close()
        return prepared
    return reset(request)


async def _run(handler: Handler, request: web.Request) -> web.StreamResponse:
    return await handler(request)


async def _befall(
    request: web.Request, handler: Handler, info: RequestInfo, fault: Fault
) -> web.StreamResponse:
    match fault.kind:
        case FaultKind.SILENT:
            return await _silence(request)
        case FaultKind.RESET:
            return reset(request)
        case FaultKind.DROP:
            return await _dropped(request, handler, fault.seconds)
        case kind if kind in BODY_KINDS:
            if info.verb == "watch":
                return await spoiled_watch(request, fault)
            return await spoil(request, await handler(request), fault)
    return _status_answer(info, fault)


def fault_middleware(faults: Faults) -> Middleware:
    """The middleware that lets faults befall requests; it belongs right after the audit's."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        request[_FAULTS] = faults
        if not faults.faults:
            return await handler(request)
        info = request_info(request.method, request.path, request.query)
        effect = faults.for_request(info, continues=bool(request.query.get("continue")))
        if effect.delay:
            await asyncio.sleep(effect.delay)
        if effect.fault is None:
            return await handler(request)
        return await _befall(request, handler, info, effect.fault)

    return middleware

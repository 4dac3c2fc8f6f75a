"""The streams of pods: logs, exec and port-forward, on the server's application."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web

from meshdoctor.serve.exec import exec_handler
from meshdoctor.serve.faults_middleware import remember_prepared
from meshdoctor.serve.pod_logs import pod_logs_handler
from meshdoctor.serve.port_forward import port_forward_handler
from meshdoctor.serve.streams_end import STOPPING, stop_streams
from meshdoctor.serve.streams_refusal import status_object, status_response

if TYPE_CHECKING:
    from meshdoctor.serve.admin_backend import Backends
    from meshdoctor.serve.streams_pod import PodFiles

_POD = "/api/v1/namespaces/{namespace}/pods/{pod}"


async def _not_served(request: web.Request) -> web.Response:
    """Attach and the pod proxy: what runs in a recorded pod cannot be spoken to."""
    what = request.match_info.route.resource
    name = what.canonical.rpartition("/")[2] if what else request.path
    return status_response(status_object(405, f"pods/{name} is not served from a recording"))


def add_stream_routes(app: web.Application, mesh: PodFiles, backends: Backends) -> None:
    """Add the routes; they belong before those of objects.

    Args:
        app: the server's application, not yet started.
        mesh: the recording that is played.
        backends: real servers behind ports of pods.
    """
    app[STOPPING] = asyncio.Event()
    app.on_shutdown.append(stop_streams)
    app.on_response_prepare.append(remember_prepared)
    app.router.add_get(f"{_POD}/log", pod_logs_handler(mesh))
    for method in ("GET", "POST"):
        app.router.add_route(method, f"{_POD}/exec", exec_handler(mesh, backends))
        app.router.add_route(method, f"{_POD}/portforward", port_forward_handler(mesh, backends))
        app.router.add_route(method, f"{_POD}/attach", _not_served)

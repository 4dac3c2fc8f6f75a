"""A real server behind a port of a pod, such as a real Envoy in the tests."""

from __future__ import annotations

from collections.abc import Mapping

import aiohttp

from meshdoctor.serve.admin_reply import TEXT, AdminReply

Backends = Mapping[tuple[str, str, int], tuple[str, int]]
"""Namespace, pod and port to the host and port that really answer."""
_TIMEOUT = aiohttp.ClientTimeout(total=30)


async def fetch(backend: tuple[str, int], path: str) -> AdminReply | None:
    """GET a path of a real server, for exec.

    Args:
        backend: its host and port.
        path: from the slash on, with its query.

    Returns:
        The answer; None where nothing listens.
    """
    host, port = backend
    try:
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT, auto_decompress=False) as session,
            session.get(f"http://{host}:{port}{path}") as answer,
        ):
            content_type = answer.headers.get("Content-Type", TEXT)
            return AdminReply(answer.status, await answer.read(), content_type)
    except (aiohttp.ClientError, TimeoutError, OSError):
        return None

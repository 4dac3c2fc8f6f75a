"""``pods/log``: what containers wrote, as kubectl asks for it (pkg/kubelet/kuberuntime/logs)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from aiohttp import web

from meshdoctor.model.resource import as_mapping, parse_time
from meshdoctor.serve.pod_logs_lines import stamped, timed_lines
from meshdoctor.serve.streams_end import until_over
from meshdoctor.serve.streams_pod import container_of, find_pod
from meshdoctor.serve.streams_refusal import RefusedError, recorded_refusal, status_response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from meshdoctor.serve.streams_pod import Pod, PodFiles

_TRUE = frozenset({"1", "true"})
_OWN_FILES = {
    ("proxy", "istio-proxy"): "istio-proxy.log",
    ("istiod", "discovery"): "discovery.log",
    ("ztunnel", "istio-proxy"): "ztunnel.log",
}
"""Logs of Istio's own containers lie beside what their admin interfaces said."""


@dataclass(frozen=True, slots=True)
class LogOptions:
    """PodLogOptions of a request."""

    container: str = ""
    previous: bool = False
    follow: bool = False
    timestamps: bool = False
    tail_lines: int | None = None
    limit_bytes: int | None = None
    since: datetime | None = None
    """Lines written before it are left out."""


def read_options(query: Mapping[str, str], now: datetime) -> LogOptions:
    """Read the query of a request for a log.

    Args:
        query: decoded.
        now: what sinceSeconds counts back from.

    Raises:
        RefusedError: an option is not what it has to be.
    """
    since = None
    if "sinceSeconds" in query and "sinceTime" in query:
        raise _invalid("at most one of `sinceTime` or `sinceSeconds` may be specified")
    if (seconds := _number(query, "sinceSeconds", least=1)) is not None:
        since = now - timedelta(seconds=min(seconds, 10**9))
    if text := query.get("sinceTime"):
        since = parse_time(text)
        if since is None:
            raise _invalid(f'sinceTime: invalid time "{text}"')
    return LogOptions(
        container=query.get("container", ""),
        previous=query.get("previous", "").lower() in _TRUE,
        follow=query.get("follow", "").lower() in _TRUE,
        timestamps=query.get("timestamps", "").lower() in _TRUE,
        tail_lines=_number(query, "tailLines", least=0),
        limit_bytes=_number(query, "limitBytes", least=1),
        since=since,
    )


def _invalid(message: str) -> RefusedError:
    return RefusedError(422, f'PodLogOptions "" is invalid: {message}', "Invalid")


def _number(query: Mapping[str, str], key: str, least: int) -> int | None:
    text = query.get(key)
    if not text:
        return None
    if not text.lstrip("-").isdecimal() or len(text) > 18:
        raise RefusedError(400, f'strconv.ParseInt: parsing "{text}": invalid syntax')
    if int(text) < least:
        raise _invalid(f"{key}: Invalid value: {text}: must be greater than or equal to {least}")
    return int(text)


def log_file(pod: Pod, container: str, *, previous: bool) -> str:
    """Path in a recording of a container's log."""
    own = _OWN_FILES.get((pod.role, container))
    if own and not previous:
        return f"{pod.folder}/{own}"
    suffix = ".previous.log" if previous else ".log"
    return f"logs/{pod.namespace}/{pod.name}/{container}{suffix}"


def read_log(mesh: PodFiles, pod: Pod, container: str, *, previous: bool) -> bytes:
    """A container's whole log.

    Raises:
        RefusedError: there is none, or the recording could not get it. What was not read is never
            an empty log.
    """
    path = log_file(pod, container, previous=previous)
    data = mesh.file(path)
    if data is not None:
        return data
    if reason := mesh.problem(path):
        raise recorded_refusal(reason)
    raise _why_none(pod, container, previous=previous)


def _why_none(pod: Pod, container: str, *, previous: bool) -> RefusedError:
    status = as_mapping(pod.states.get(container))
    last = as_mapping(status.get("lastState"))
    if previous and "terminated" not in last:
        message = f'previous terminated container "{container}" in pod "{pod.name}" not found'
        return RefusedError(400, message)
    waiting = as_mapping(as_mapping(status.get("state")).get("waiting"))
    if waiting and "terminated" not in last:
        message = (
            f'container "{container}" in pod "{pod.name}" is waiting to start: '
            f"{waiting.get('reason') or 'ContainerCreating'}"
        )
        return RefusedError(400, message)
    which = "previous log" if previous else "log"
    message = f'the recording holds no {which} of container "{container}" in pod "{pod.name}"'
    return RefusedError(404, message)


def _ended_well(pod: Pod, container: str) -> bool:
    """Whether it is an init container that did its work and went: nobody records those."""
    state = as_mapping(as_mapping(pod.states.get(container)).get("state"))
    ended = as_mapping(state.get("terminated"))
    return container in pod.init_containers and bool(ended) and ended.get("exitCode") == 0


def chosen_bytes(data: bytes, options: LogOptions, now: datetime) -> bytes:
    """The part of a log that was asked for.

    Args:
        data: the whole log.
        options: what was asked.
        now: the time of lines that tell none.
    """
    if options.since is None and options.tail_lines is None and not options.timestamps:
        chosen = data
    else:
        lines = list(timed_lines(data))
        if (since := options.since) is not None:
            lines = [line for line in lines if line.time is None or line.time >= since]
        if options.tail_lines is not None:
            lines = lines[max(0, len(lines) - options.tail_lines) :]
        if options.timestamps:
            chosen = b"".join(stamped(line, now) for line in lines)
        else:
            chosen = b"".join(line.text for line in lines)
    return chosen if options.limit_bytes is None else chosen[: options.limit_bytes]


def pod_logs_handler(mesh: PodFiles) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The handler of ``…/pods/{pod}/log``.

    Args:
        mesh: the recording that is played.
    """

    async def handler(request: web.Request) -> web.StreamResponse:
        now = mesh.now()
        try:
            pod = find_pod(mesh, request.match_info["namespace"], request.match_info["pod"])
            options = read_options(request.query, now)
            container = container_of(pod, options.container)
            try:
                data = read_log(mesh, pod, container, previous=options.previous)
            except RefusedError:
                if not _ended_well(pod, container) or options.previous:
                    raise
                data = b""
        except RefusedError as error:
            return status_response(error.status)
        body = chosen_bytes(data, options, now)
        if not options.follow:
            return web.Response(body=body, content_type="text/plain")
        return await _follow(request, body)

    return handler


async def _follow(request: web.Request, body: bytes) -> web.StreamResponse:
    """Send what there is, then wait: nothing more is ever written in a recording."""
    stream = web.StreamResponse(headers={"Content-Type": "text/plain"})
    stream.force_close()
    await stream.prepare(request)
    if body:
        await stream.write(body)
    await until_over(request)
    return stream

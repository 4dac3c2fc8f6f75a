"""Run a credential plugin: bounded in time and output, its last words kept."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from meshdoctor.collect.access_error import AccessError
from meshdoctor.collect.read_reasons import one_line

if TYPE_CHECKING:
    from asyncio.subprocess import Process

    from meshdoctor.collect.kubeconfig_entries import ExecPlugin

Terminal = Callable[[bytes], None]
"""Shows a plugin's words at once to the person at the terminal, who may have to answer them."""

_SECONDS = 30.0
"""For a plugin that asks nobody."""
_SECONDS_WITH_PERSON = 180.0
"""For one that may open a browser or ask for a code."""
_MOST = 1024 * 1024
"""Bytes of output at most."""
_GOODBYE = 2.0
"""Seconds to wait for a killed plugin, whose own children may hold its pipes."""


async def run_plugin(plugin: ExecPlugin, info: str, terminal: Terminal | None) -> bytes:
    """Run it.

    Args:
        plugin: the program.
        info: value of ``KUBERNETES_EXEC_INFO``.
        terminal: None when it must not ask anybody.

    Returns:
        What it printed.

    Raises:
        AccessError: it is missing, failed, took too long, or printed too much.
    """
    seconds = _SECONDS if terminal is None else _SECONDS_WITH_PERSON
    process = await _start(plugin, info, is_alone=terminal is None)
    said = bytearray()
    try:
        async with asyncio.timeout(seconds):
            printed, _ = await asyncio.gather(_read(process), _listen(process, said, terminal))
            code = await process.wait()
    except TimeoutError:
        message = f"{_name(plugin)} did not end within {seconds:g} s{_last(said)}"
        raise AccessError(message) from None
    finally:
        await _end(process, is_alone=terminal is None)
    if len(printed) > _MOST:
        raise AccessError(f"{_name(plugin)} printed more than {_MOST // 2**20} MiB")
    if code:
        raise AccessError(f"{_name(plugin)} failed (exit code {code}){_last(said)}")
    return printed


def _name(plugin: ExecPlugin) -> str:
    return f'the credential plugin "{plugin.command}"'


def _last(said: bytearray) -> str:
    lines = [line for line in bytes(said).splitlines() if line.strip()]
    return f": {one_line(lines[-1])}" if lines else ""


async def _start(plugin: ExecPlugin, info: str, *, is_alone: bool) -> Process:
    environment = {**os.environ, **plugin.environment, "KUBERNETES_EXEC_INFO": info}
    try:
        return await asyncio.create_subprocess_exec(
            plugin.command,
            *plugin.arguments,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL if is_alone else None,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            # A group of its own can be ended whole; a shared one can read the terminal.
            start_new_session=is_alone,
        )
    except FileNotFoundError:
        hint = f": {one_line(plugin.install_hint)}" if plugin.install_hint else ""
        raise AccessError(f"{_name(plugin)} was not found; install it{hint}") from None
    except (OSError, ValueError) as error:
        why = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
        raise AccessError(f"{_name(plugin)} cannot be run: {why}") from None


async def _read(process: Process) -> bytes:
    assert process.stdout is not None
    printed = bytearray()
    while chunk := await process.stdout.read(65536):
        if len(printed) <= _MOST:
            printed += chunk
        elif process.returncode is None:
            process.kill()
    return bytes(printed)


async def _listen(process: Process, said: bytearray, terminal: Terminal | None) -> None:
    assert process.stderr is not None
    while chunk := await process.stderr.read(4096):
        said += chunk
        del said[:-8192]
        if terminal is not None:
            terminal(chunk)


async def _end(process: Process, *, is_alone: bool) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            if is_alone:
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
        with suppress(TimeoutError):
            async with asyncio.timeout(_GOODBYE):
                # A pipe closes once it is read to its end.
                await asyncio.gather(_read(process), process.wait())

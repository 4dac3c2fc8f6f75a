"""Options and arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from meshdoctor.session import Session

F = TypeVar("F", bound="Callable[..., object]")


def recording_argument(command: F) -> F:
    """The recording to read: an argument, or ``--recording``."""
    command = click.argument(
        "recording", required=False, type=click.Path(path_type=Path), metavar="[RECORDING]"
    )(command)
    return click.option(
        "--recording",
        "-r",
        "recording_option",
        type=click.Path(path_type=Path),
        envvar="MESHDOCTOR_RECORDING",
        help="The recording to read: a folder or a .tar.gz.",
    )(command)


def namespace_options(command: F) -> F:
    """``-n`` and ``-A``, as kubectl has them; all namespaces unless one is named."""
    command = click.option(
        "--all-namespaces", "-A", is_flag=True, help="Every namespace (the default)."
    )(command)
    return click.option(
        "--namespace",
        "-n",
        "namespaces",
        multiple=True,
        metavar="NAMESPACE",
        help="Only this namespace; may be given more than once.",
    )(command)


def output_option(command: F) -> F:
    """``-o``: text for people, JSON for programs."""
    return click.option(
        "--output",
        "-o",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="text for people, json for programs.",
    )(command)


def chosen_namespaces(namespaces: tuple[str, ...], *, all_namespaces: bool) -> tuple[str, ...]:
    """The namespaces asked for; ``-A`` and nothing both mean all."""
    return () if all_namespaces else tuple(sorted(set(namespaces)))


def session_for(recording: Path | None, recording_option: Path | None) -> Session:
    """A session on the recording that was named.

    Raises:
        click.UsageError: none was named, or two different ones were.
    """
    from meshdoctor.session import RecordingSource, Session

    if recording and recording_option and recording != recording_option:
        raise click.UsageError(f"two recordings are named: {recording} and {recording_option}")
    path = recording or recording_option
    if path is None:
        raise click.UsageError(
            "name a recording: a folder or a .tar.gz "
            "(a live cluster cannot be read by this version)"
        )
    return Session(RecordingSource(path))

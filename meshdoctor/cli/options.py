"""Options and arguments that several commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import click

from meshdoctor.cli import completing

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., object]")


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
        shell_complete=completing.namespaces,
        help="Only this namespace; may be given more than once.",
    )(command)


def question_options(command: F) -> F:
    """``--symptom``, ``--from`` and ``--to``: what a person wants to know of a mesh."""
    for option in (
        click.option(
            "--to",
            metavar="HOST[:PORT]",
            shell_complete=completing.hosts,
            help="Destination: a service's short or full host.",
        ),
        click.option(
            "--from",
            "source",
            metavar="POD",
            shell_complete=completing.workloads,
            help="Caller: pod[.namespace] or deploy/name.",
        ),
        click.option(
            "--symptom",
            "-s",
            shell_complete=completing.symptoms,
            help="A playbook's id or the words you would use: 503, mtls …",
        ),
    ):
        command = option(command)
    return command


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


loopback_port = click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="Port on 127.0.0.1; any free one when it is 0 or not given.",
)
"""``--port`` of what serves on this machine alone."""

"""Options and arguments that several commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import click

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

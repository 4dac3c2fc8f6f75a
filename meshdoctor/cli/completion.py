"""``meshdoctor completion``: the script by which a shell completes this command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from click.shell_completion import ShellComplete, get_completion_class

if TYPE_CHECKING:
    from collections.abc import Sequence

_VARIABLE = "_MESHDOCTOR_COMPLETE"
_SHELLS = ("bash", "zsh", "fish")
_FILES, _NO_FILES = 0, 4
"""cobra's ShellCompDirectiveDefault and ShellCompDirectiveNoFileComp."""
_PATHS = frozenset({"file", "dir"})
"""Click's word for what the shell itself completes."""


@click.command("completion")
@click.argument("shell", type=click.Choice(_SHELLS))
def command(shell: str) -> None:
    r"""Print the script that lets a shell complete meshdoctor's commands.

    \b
    bash:  source <(meshdoctor completion bash)       in ~/.bashrc
    zsh:   source <(meshdoctor completion zsh)        in ~/.zshrc, after compinit
    fish:  meshdoctor completion fish >~/.config/fish/completions/meshdoctor.fish

    Names of namespaces, workloads and hosts are offered where the line names a recording; no
    cluster is asked. `kubectl meshdoctor` is completed by kubectl itself (1.26 and newer).
    """
    from meshdoctor.cli import root

    found = get_completion_class(shell)
    assert found is not None, f"click knows {_SHELLS}"
    click.echo(found(root, {}, "meshdoctor", _VARIABLE).source())


def kubectl_lines(words: Sequence[str]) -> list[str]:
    """What ``kubectl_complete-meshdoctor`` prints: an offer a line, then what else to offer.

    Args:
        words: what follows ``kubectl meshdoctor``, the word that is being typed last.

    Returns:
        Lines as cobra's ``__complete`` has them (``name<TAB>description``, then ``:directive``).
    """
    from meshdoctor.cli import root

    *before, incomplete = words or [""]
    shell = ShellComplete(root, {}, "meshdoctor", _VARIABLE)
    offers = shell.get_completions(list(before), incomplete)
    paths = any(offer.type in _PATHS for offer in offers)
    lines = [
        f"{offer.value}\t{offer.help}" if offer.help else str(offer.value)
        for offer in offers
        if offer.type not in _PATHS
    ]
    return [*lines, f":{_FILES if paths else _NO_FILES}"]

"""The command line: parse, call, print. Commands are imported when they are called."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import click

from meshdoctor import __version__
from meshdoctor.cli.examples import examples_text
from meshdoctor.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from click.shell_completion import CompletionItem

_COMMANDS = {
    "open": ("open", "Open the app, on a recording or on the live cluster."),
    "diagnose": ("diagnose", "Find out what is wrong with a mesh, and why."),
    "report": ("report", "Write a report: markdown, html, json, sarif, junit or text."),
    "record": ("record", "Take a recording of the live cluster, redacted."),
    "proxy-status": ("proxy_status", "Show what each proxy made of istiod's configuration."),
    "proxy-config": ("proxy_config", "Show what one proxy holds."),
    "trace": ("trace", "Walk one request hop by hop, and predict how it ends."),
    "istiod-logs": ("istiod_logs", "Show istiod's logs, the lines that matter explained."),
    "webhooks": ("webhooks", "Show injection and validation webhooks and whom they select."),
    "certificates": ("certificates", "Show every certificate: its chain, root and days left."),
    "namespaces": ("namespaces", "Show each namespace's labels and injection verdict."),
    "mtls": ("mtls", "Show what clients send, what servers accept, and whether it works."),
    "revisions": ("revisions", "Show the revision each pod asks for, got and is connected to."),
    "diff": ("diff", "Show what changed between two recordings, or since one was taken."),
    "check": ("check", "Check that reading is allowed and that Istio is installed whole."),
    "rbac": ("rbac", "Print the least ClusterRole that reading needs."),
    "serve": ("serve", "Serve a recording as a Kubernetes API server, for kubectl and tests."),
    "drill": ("drill", "Practise troubleshooting on recorded meshes, as in the ICA exam."),
    "completion": ("completion", "Print the script that completes meshdoctor in a shell."),
    "playbooks": ("playbooks", "List, show and lint the diagnosis playbooks."),
}
"""Name, module of this package, and the line that --help prints without importing it."""


class LazyGroup(click.Group):
    """A group that imports a command only when it is called, so that --help stays fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, in the order people need them."""
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        module = import_module(f"meshdoctor.cli.{_COMMANDS[cmd_name][0]}")
        command: click.Command = module.command
        own, examples = command.epilog or "", examples_text(cmd_name)
        if examples not in own:
            command.epilog = f"{examples}\n\n{own}".rstrip()
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Offer the commands without importing any of them, else the options."""
        from click.shell_completion import CompletionItem

        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        return [
            CompletionItem(name, help=line)
            for name, (_, line) in _COMMANDS.items()
            if name.startswith(incomplete)
        ]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Print the commands' lines without importing any of them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in _COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
Exit codes:
  0  nothing wrong
  1  a root cause or an error
  2  bad usage, or input that cannot be read
  3  warnings only
  4  something that the answer needs could not be read

\b
Environment:
  KUBECONFIG             as kubectl takes it
  MESHDOCTOR_RECORDING   the recording to read where none is named
  MESHDOCTOR_PLAYBOOKS   folders of your own playbooks, causes and checks
  MESHDOCTOR_CONFIG      the configuration file, else config.yaml where yours are
  MESHDOCTOR_DATA        where drills keep their history
  NO_COLOR               no colours; a pipe has none either

\b
Examples:
  meshdoctor                      the app, on the cluster of the current context
  meshdoctor diagnose             what is wrong, and why
  meshdoctor open mesh.tar.gz     the app, on a recording
  meshdoctor COMMAND --help       more on each command, with examples""",
)
@click.version_option(__version__, "-V", "--version", prog_name="meshdoctor")
def root() -> None:
    """Find out why an Istio service mesh misbehaves: a live one, or a recording of one.

    meshdoctor joins what the objects intend with what the proxies do, names the root cause with
    its evidence, and says what to change. It never writes to a cluster. Without a command it
    opens the app on the cluster of the current kubeconfig context.
    """


_OWN_OPTIONS = ("-h", "--help", "-V", "--version")


def _with_command(arguments: Sequence[str]) -> list[str]:
    """Without a command: the app, on what the options name."""
    names_command = bool(arguments) and not arguments[0].startswith("-")
    if names_command or (arguments and arguments[0] in _OWN_OPTIONS):
        return list(arguments)
    return ["open", *arguments]


def run(arguments: Sequence[str]) -> int:
    """Run the command line.

    Returns:
        The documented exit code. Whatever goes wrong is one clear line on stderr.
    """
    try:
        result = root.main(
            args=_with_command(arguments), prog_name="meshdoctor", standalone_mode=False
        )
    except click.UsageError as error:
        error.show()
        return ExitCode.USAGE
    except click.ClickException as error:
        click.echo(f"meshdoctor: {error.format_message()}", err=True)
        return ExitCode.USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo("meshdoctor: interrupted", err=True)
        return ExitCode.INTERRUPTED
    except OSError as error:
        click.echo(f"meshdoctor: {error.strerror or error}", err=True)
        return ExitCode.USAGE
    return result if isinstance(result, int) else ExitCode.OK

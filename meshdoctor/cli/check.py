"""``meshdoctor check``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from meshdoctor.cli.options import chosen_namespaces, namespace_options, output_option
from meshdoctor.cli.output import one_line_errors, print_json, print_lines, read
from meshdoctor.cli.source_options import source_options
from meshdoctor.cli.waiting import waiting

if TYPE_CHECKING:
    from meshdoctor.cli.source_options import Choice
    from meshdoctor.collect.preflight import Preflight
    from meshdoctor.model.snapshot import Snapshot


def print_check(snapshot: Snapshot | None, preflight: Preflight | None, output: str) -> int:
    """Run the checks, print what they found, and return the exit code.

    Args:
        snapshot: what was read; None where the cluster could not be reached.
        preflight: what was found out about the way to the cluster; None for a recording.
        output: ``text`` or ``json``.
    """
    from meshdoctor.check.run import check
    from meshdoctor.report.check_json import check_json
    from meshdoctor.report.check_text import check_lines

    report = check(snapshot, preflight)
    if output == "json":
        print_json(check_json(report))
    else:
        print_lines(check_lines(report))
    return report.exit_code


@click.command("check")
@source_options
@namespace_options
@output_option
def command(choice: Choice, namespaces: tuple[str, ...], all_namespaces: bool, output: str) -> int:
    """Check that meshdoctor can work here, and that Istio is installed whole.

    Category by category: the API server, each right that reading needs, Istio's CRDs, istiod and
    what stands around it, webhooks, gateways, and the data plane. Of a recording, the checks that
    need a cluster are skipped and say so. -n asks for the rights of these namespaces only.
    """
    chosen = chosen_namespaces(namespaces, all_namespaces=all_namespaces)
    with one_line_errors():
        if choice.recording is not None:
            return print_check(read(choice.session()), None, output)
        from meshdoctor.live.checking import read_for_check

        options = replace(choice.live, namespaces=chosen)
        with waiting(options.cluster.context or "the cluster") as listener:
            snapshot, preflight = read_for_check(options, listener)
    return print_check(snapshot, preflight, output)

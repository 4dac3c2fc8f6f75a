"""``meshdoctor trace``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from meshdoctor.cli import completing
from meshdoctor.cli.options import chosen_namespaces, namespace_options, output_option
from meshdoctor.cli.output import one_line_errors, print_json, print_lines, read
from meshdoctor.cli.source_options import source_options
from meshdoctor.exit_codes import ExitCode

if TYPE_CHECKING:
    from meshdoctor.cli.source_options import Choice
    from meshdoctor.model.trace import Walk


def _is_ascii_only() -> bool:
    """Whether stdout cannot show the glyphs."""
    try:
        "✓✗→".encode(sys.stdout.encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return True
    return False


def exit_code(walk: Walk) -> ExitCode:
    """0 delivered, 1 a failure is predicted, 4 what decides was not read."""
    if walk.fails:
        return ExitCode.ROOT_CAUSE
    return ExitCode.OK if walk.is_known else ExitCode.UNREAD


@click.command("trace")
@source_options
@namespace_options
@click.option(
    "--from",
    "source",
    metavar="POD|gateway",
    required=True,
    shell_complete=completing.workloads,
    help="Who asks: pod[.namespace] or deploy/name; gateway for a request from outside.",
)
@click.option(
    "--to",
    metavar="HOST[:PORT][/path]",
    required=True,
    shell_complete=completing.hosts,
    help="What is asked for; also as a URL, or svc/NAME[.NAMESPACE][:PORT][/path].",
)
@click.option("--method", metavar="METHOD", default="GET", help="HTTP method (GET).")
@click.option(
    "--header", "headers", metavar="'NAME: VALUE'", multiple=True, help="A header it carries."
)
@click.option(
    "--jwt-claims",
    "claims",
    metavar="iss=ISSUER,sub=SUBJECT",
    help="Claims of the token it carries, also as JSON; without this a token is not known of.",
)
@click.option("--no-jwt", "no_token", is_flag=True, help="It carries no token.")
@output_option
def command(
    choice: Choice,
    namespaces: tuple[str, ...],
    all_namespaces: bool,
    source: str,
    to: str,
    method: str,
    headers: tuple[str, ...],
    claims: str | None,
    no_token: bool,
    output: str,
) -> int:
    """Walk one request hop by hop, and predict how it ends.

    Goes by what both ends' proxies hold and by NetworkPolicies, never by access logs, and names
    the object behind each hop. Where a proxy was not read, what the objects ask for stands in;
    where both were walked and differ, the proxy is stale. Exit codes: 0 delivered, 1 a failure is
    predicted, 4 what decides could not be read.
    """
    from meshdoctor.report.trace_json import trace_json
    from meshdoctor.report.trace_text import trace_lines
    from meshdoctor.trace.walk import walk
    from meshdoctor.views import trace_why
    from meshdoctor.views.trace_request import build_request, parse_claims, parse_headers

    if claims and no_token:
        raise click.UsageError("--jwt-claims and --no-jwt exclude each other")
    chosen = chosen_namespaces(namespaces, all_namespaces=all_namespaces)
    with one_line_errors():
        named = parse_headers(headers)
        token = parse_claims(claims) if claims else None
        # Nothing here goes by a log, and only what the request may meet is read.
        mesh = read(choice.session(namespaces=chosen, source=source, to=to, logs=False))
        request = build_request(
            mesh,
            source,
            to,
            namespaces=chosen,
            method=method,
            headers=named,
            claims=token,
            no_token=no_token,
        )
    found = walk(mesh, request)
    refused = trace_why.refused(mesh, found)
    if output == "json":
        print_json(trace_json(found, [trace_why.to_json(item) for item in refused]))
    else:
        print_lines(trace_lines(found, refused, ascii_only=_is_ascii_only()))
    return exit_code(found)

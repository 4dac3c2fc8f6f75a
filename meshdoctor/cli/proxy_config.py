"""``meshdoctor proxy-config``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from meshdoctor.cli import completing
from meshdoctor.cli.options import output_option
from meshdoctor.cli.output import one_line_errors, print_json, print_table, read
from meshdoctor.cli.source_options import source_options

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from meshdoctor.cli.source_options import Choice
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.snapshot import Snapshot

    Columns = Sequence[tuple[str, str]]
    Shown = tuple[Columns, Sequence[Any], Callable[[Any], dict[str, Any]]]


@click.group("proxy-config")
def command() -> None:
    """Show what one proxy holds: columns and meaning as istioctl's.

    POD is pod[.namespace] or deploy/name.
    """


def _proxy_command(name: str) -> Callable[[Callable[..., object]], click.Command]:
    """The arguments that every kind of configuration has."""

    def decorate(function: Callable[..., object]) -> click.Command:
        decorated = output_option(source_options(function))
        decorated = click.option(
            "--namespace", "-n", metavar="NAMESPACE", help="The pod's namespace."
        )(decorated)
        decorated = click.argument("pod", shell_complete=completing.workloads)(decorated)
        return command.command(name)(decorated)

    return decorate


def _print(
    pod: str,
    choice: Choice,
    namespace: str | None,
    output: str,
    file: str,
    show: Callable[[Proxy, Snapshot], Shown | None],
) -> None:
    """Find the proxy, show one part of it; a part that was not read is said, not shown empty."""
    from meshdoctor.views.proxy_lookup import find_proxy

    with one_line_errors():
        named = (namespace,) if namespace else ()
        snapshot = read(choice.session(pod=pod, namespaces=named))
        proxy = find_proxy(snapshot, pod, named)
    shown = show(proxy, snapshot)
    if shown is None:
        raise click.ClickException(_why_missing(proxy, file, snapshot))
    columns, rows, to_json = shown
    if output == "json":
        print_json([to_json(row) for row in rows])
    else:
        print_table(columns, rows, f"{proxy.id} holds none that match.")


def _why_missing(proxy: Proxy, file: str, snapshot: Snapshot) -> str:
    """What was said of the file, or of the folder that it would be in."""
    path = proxy.path(file)
    said = [item for item in snapshot.not_read if item.what in (path, proxy.source)]
    why = f"{said[0].status} ({said[0].reason})" if said else "it was not there"
    return f"{path} could not be read: {why}"


def _of_dump(view: Any, only: Any) -> Callable[[Proxy, Snapshot], Shown | None]:
    """A view of the config dump under a filter."""

    def show(proxy: Proxy, _: Snapshot) -> Shown | None:
        if proxy.config is None:
            return None
        return view.COLUMNS, view.rows(proxy.config, only), view.to_json

    return show


@_proxy_command("cluster")
@click.option("--fqdn", default="", help="Only clusters whose name has this host.")
@click.option("--port", default=0, help="Only clusters of this port.")
@click.option("--subset", default="", help="Only clusters of this subset.")
@click.option("--direction", default="", help="inbound or outbound.")
def cluster(pod: str, fqdn: str, port: int, subset: str, direction: str, **common: Any) -> None:
    """Show the clusters: where the proxy can send to."""
    from meshdoctor.model.proxy import CONFIG_DUMP
    from meshdoctor.views.proxy_config import cluster as view

    only = view.ClusterFilter(fqdn, port, subset, direction)
    _print(pod, **common, file=CONFIG_DUMP, show=_of_dump(view, only))


@_proxy_command("listener")
@click.option("--address", default="", help="Only listeners at this address.")
@click.option("--port", default=0, help="Only listeners on this port.")
@click.option("--type", "kind", default="", help="HTTP or TCP.")
def listener(pod: str, address: str, port: int, kind: str, **common: Any) -> None:
    """Show the listeners: what the proxy answers to, chain by chain."""
    from meshdoctor.model.proxy import CONFIG_DUMP
    from meshdoctor.views.proxy_config import listener as view

    only = view.ListenerFilter(address, port, kind)
    _print(pod, **common, file=CONFIG_DUMP, show=_of_dump(view, only))


@_proxy_command("route")
@click.option("--name", default="", help="Only the route configuration of this name.")
def route(pod: str, name: str, **common: Any) -> None:
    """Show the routes: which request goes to which cluster."""
    from meshdoctor.model.proxy import CONFIG_DUMP
    from meshdoctor.views.proxy_config import route as view

    _print(pod, **common, file=CONFIG_DUMP, show=_of_dump(view, name))


@_proxy_command("endpoint")
@click.option("--address", default="", help="Only endpoints at this address.")
@click.option("--port", default=0, help="Only endpoints on this port.")
@click.option("--cluster", "cluster_name", default="", help="Only endpoints of this cluster.")
@click.option("--status", default="", help="healthy, unhealthy …")
def endpoint(
    pod: str, address: str, port: int, cluster_name: str, status: str, **common: Any
) -> None:
    """Show the endpoints: every host of every cluster and how it fares."""
    from meshdoctor.model.proxy import CLUSTERS
    from meshdoctor.views.proxy_config import endpoint as view

    def show(proxy: Proxy, _: Snapshot) -> Shown | None:
        if proxy.hosts is None:
            return None
        only = view.EndpointFilter(address, port, cluster_name, status)
        return view.COLUMNS, view.rows(proxy.hosts, only), view.to_json

    _print(pod, **common, file=CLUSTERS, show=show)


@_proxy_command("secret")
def secret(pod: str, **common: Any) -> None:
    """Show the secrets: certificates and roots, never their keys."""
    from meshdoctor.model.proxy import CONFIG_DUMP
    from meshdoctor.views.proxy_config import secret as view

    def show(proxy: Proxy, snapshot: Snapshot) -> Shown | None:
        if proxy.config is None:
            return None
        rows = view.rows(proxy.config, snapshot.now)
        return view.columns(rows), rows, view.to_json

    _print(pod, **common, file=CONFIG_DUMP, show=show)

"""``meshdoctor rbac``."""

from __future__ import annotations

import re

import click

_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
"""A Kubernetes object name (RFC 1123): nothing that could end a line of YAML."""


def _object_name(text: str, what: str) -> str:
    if len(text) > 253 or not _NAME.fullmatch(text):
        raise click.UsageError(f"{text!r} is not the name of a {what}")
    return text


def _account(text: str) -> tuple[str, str]:
    """Name and namespace of ``NAME.NAMESPACE``; a namespace has no dot, a name may have."""
    name, dot, namespace = text.rpartition(".")
    if not dot:
        raise click.UsageError(f"{text!r} is no NAME.NAMESPACE of a service account")
    return _object_name(name, "service account"), _object_name(namespace, "namespace")


@click.command("rbac")
@click.option(
    "--no-port-forward", is_flag=True, help="Ask proxies and istiod through exec instead."
)
@click.option("--no-secrets", is_flag=True, help="Leave out the Secrets that gateways name.")
@click.option(
    "--namespace",
    "-n",
    "namespaces",
    multiple=True,
    metavar="NAMESPACE",
    help="Read only this namespace, and istiod's; may be given more than once.",
)
@click.option(
    "--istio-namespace",
    "-i",
    default="istio-system",
    show_default=True,
    metavar="NAMESPACE",
    help="Where istiod is; only with -n.",
)
@click.option("--service-account", metavar="NAME.NAMESPACE", help="Bind the role to this one.")
def command(
    no_port_forward: bool,
    no_secrets: bool,
    namespaces: tuple[str, ...],
    istio_namespace: str,
    service_account: str | None,
) -> None:
    """Print the least ClusterRole that meshdoctor works with, and why each line is there.

    For kubectl apply -f -. Nothing in it allows a change to any object. With -n, what lies in
    namespaces is granted by a Role in each, and only the rest by the ClusterRole.
    """
    from meshdoctor.check.role_manifest import RoleOptions, ServiceAccount, manifest

    wanted = (*namespaces, istio_namespace) if namespaces else ()
    within = tuple(_object_name(name, "namespace") for name in dict.fromkeys(wanted))
    account = ServiceAccount(*_account(service_account)) if service_account else None
    options = RoleOptions(
        port_forward=not no_port_forward,
        secrets=not no_secrets,
        namespaces=within,
        service_account=account,
    )
    click.echo("\n".join(manifest(options)))

"""Reading an object's text form, ``Kind namespace/name``."""

from __future__ import annotations


def split_object(text: str) -> tuple[str, str, str]:
    """Kind, namespace (empty when cluster-scoped) and name of an object's text form."""
    kind, _, rest = text.partition(" ")
    namespace, found, name = rest.partition("/")
    return (kind, namespace, name) if found else (kind, "", rest)


def namespace_of(text: str) -> str:
    """The namespace an object stands for: its own, or itself when it is a Namespace."""
    kind, namespace, name = split_object(text)
    return name if kind == "Namespace" else namespace


def namespace_of_host(host: str) -> str:
    """The namespace in a service's host, ``<name>.<namespace>.svc.<domain>``; empty if none."""
    labels = host.partition(":")[0].split(".")
    return labels[1] if len(labels) > 2 and labels[2] == "svc" else ""

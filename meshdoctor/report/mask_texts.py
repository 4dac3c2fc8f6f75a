"""Names in free text, in the shapes in which Istio, Envoy and Kubernetes write them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from meshdoctor.model import kinds

if TYPE_CHECKING:
    from collections.abc import Iterator

    Named = tuple[str, str]
    """A group of names (``ns``, ``host`` …) and one name of it."""

GROUP_OF_KIND = {
    kinds.NAMESPACE: "ns",
    kinds.NODE: "node",
    kinds.SERVICE: "service",
    kinds.POD: "pod",
    **dict.fromkeys(
        (kinds.DEPLOYMENT, kinds.REPLICA_SET, kinds.STATEFUL_SET, kinds.DAEMON_SET, kinds.JOB),
        "workload",
    ),
}
GROUP_OF_WORD = {kind.name: group for kind, group in GROUP_OF_KIND.items()}
_KIND_WORDS = frozenset(kind.name for kind in kinds.ALL)
_TLDS = (
    "com|net|org|edu|gov|mil|int|io|dev|app|cloud|local|internal|corp|lan|home|intra|example|test"
    "|invalid|localdomain|info|biz|ai|co|tech|online|site|xyz|systems|services|network|eu|us|uk|de"
    "|fr|es|nl|ch|se|fi|dk|pl|cz|ca|au|jp|cn|in|br|ru|kr|sg|nz|ie|mx|za"
)
_HOST = re.compile(rf"(?<![\w.-])(?:[a-z0-9_-]+\.)+(?:{_TLDS})(?![\w-]|\.\w)", re.IGNORECASE)
_DOTTED = r"(?:[a-z0-9_-]+\.)+[a-z][a-z0-9-]*"
_URL_HOST = re.compile(rf"://(?:[^/\s\"@]*@)?({_DOTTED})", re.IGNORECASE)
_HOST_PORT = re.compile(rf"(?<![\w./#-])({_DOTTED}):\d{{2,5}}(?!\d)", re.IGNORECASE)
"""Whatever its last label: every word may be a top-level domain by now."""
_FILE_ENDING = re.compile(r"\.(log|json|txt|ya?ml|go|cc|h|py|xml|js|rs|c)$", re.IGNORECASE)
_SERVICE_HOST = re.compile(r"(?<![\w.-])([a-z0-9-]+)\.([a-z0-9-]+)\.svc(?:\.([a-z0-9.-]+))?")
_AUTHORITY = re.compile(r'"([a-z][a-z0-9-]*):\d{2,5}"')
_IDENTITY = re.compile(r"(?:([A-Za-z0-9][A-Za-z0-9.-]*)/)?ns/([a-z0-9-]+)/sa/([a-z0-9-]+)")
_USER = re.compile(r"system:serviceaccount:([a-z0-9-]+):([a-z0-9.-]+)")
_PERSON = re.compile(r'\b[Uu]ser \\?"([^"\\:]+)\\?"')
"""Whom Kubernetes denies something: a login, often a mail address."""
_CLUSTER = re.compile(r'\b(?:src|dst)\.cluster="([^"]+)"|\bcluster[_ ]?[iI][dD]"?[:=] ?"?([\w.-]+)')
"""As ztunnel logs it, and as istiod's debug pages write it."""
_API_PATH = re.compile(r"/namespaces/([a-z0-9-]+)/[a-z-]+/([a-z0-9.-]+)")
_FILE = re.compile(r"(?<![\w/])(?:proxies|istiod|ztunnels|logs)/(?!debug/)([^/\s]+)/([^/\s]+)(?=/)")
_OBJECT = re.compile(r"\b([A-Z][A-Za-z]+) ([a-z0-9-]+)/([a-z0-9][a-z0-9.-]*[a-z0-9])")


def _hosts(text: str) -> Iterator[str]:
    found = (*_HOST.findall(text), *_URL_HOST.findall(text), *_HOST_PORT.findall(text))
    for host in map(str.lower, found):
        if ".svc." not in host and not host.endswith(".svc") and not _FILE_ENDING.search(host):
            yield host


def names_in(text: str) -> Iterator[Named]:
    """Names in a text, each with its group."""
    for service, namespace, domain in _SERVICE_HOST.findall(text):
        yield "service", service
        yield "ns", namespace
        yield "host", domain
    for domain, namespace, account in _IDENTITY.findall(text):
        yield "host", domain
        yield "ns", namespace
        yield "object", account
    for namespace, name in (*_API_PATH.findall(text), *_USER.findall(text)):
        yield "ns", namespace
        yield "object", name
    for kind, namespace, name in _OBJECT.findall(text):
        if kind in _KIND_WORDS:
            yield "ns", namespace
            yield GROUP_OF_WORD.get(kind, "object"), name
    for namespace, pod in _FILE.findall(text):
        yield "ns", namespace
        yield "pod", pod
    for host in _hosts(text):
        yield "host", host
        # meshdoctor itself proposes names of objects that are made of a host's.
        yield "host", host.replace(".", "-")
    yield from (("host", host) for host in _AUTHORITY.findall(text))
    yield from (("object", person) for person in _PERSON.findall(text))
    yield from (("cluster", name) for pair in _CLUSTER.findall(text) for name in pair)

"""Words that name nothing of anybody's: Istio's, Kubernetes' and everybody's own."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from meshdoctor.analyze.codes import codes
from meshdoctor.diagnose.library import documents
from meshdoctor.model.kinds import ALL

if TYPE_CHECKING:
    from collections.abc import Iterator

_OWN = """
default kubernetes istio istiod istio-system istio-ingress istio-egress istio-proxy istio-
init istio-validation istio-cni istio-cni-node istio-ingressgateway istio-egressgateway
istio-sidecar-injector istio-ca-secret istio-ca-root-cert istio-ca-crl istio-leader istio-
reader-service-account ingressgateway egressgateway istio-ip-autoallocate istio-namespace-
controller-election cacerts ztunnel waypoint istio-waypoint istio-remote istio-validator-
istio-system istiod-default-validator istio-revision-tag-default istio-ingressgateway-
service-account values sidecar kube-system kube-public kube-node-lease kube-root-ca.crt
kube-dns coredns kube-proxy extension-apiserver-authentication kube-apiserver-legacy-
service-account-token-tracking cluster.local svc local localhost mesh root none null true
false all any unknown app version name http https http2 grpc tcp tls udp mtls main stable
enabled disabled discovery
"""
KEPT = frozenset(_OWN.split())
"""Names that stay as they are."""
_LIBRARY_FIELDS = """
id code playbook step domain symptoms consequences docs question needs rule description
lacked causes skipped tool_version kubernetes istio
"""
LIBRARY = frozenset(_LIBRARY_FIELDS.split())
"""Fields that hold meshdoctor's own words, or versions."""
_API_VERSION = re.compile(r"v\d+((alpha|beta)\d+)?$")
_DOMAINS = re.compile(
    r"(^|\.)(istio\.io|k8s\.io|kubernetes\.io|x-k8s\.io|envoyproxy\.io|googleapis\.com|"
    r"cluster\.local|github\.com|oasis-open\.org|gcr\.io|docker\.io)$"
)
"""Domains of the projects themselves: API groups, type URLs, documentation."""
_COMMANDS = (
    "kubectl istioctl get patch apply delete logs describe label annotate rollout restart status"
    " exec scale edit create set proxy-config proxy-status analyze type json merge items spec"
    " metadata labels namespace namespaces selector host hosts port ports route routes cluster"
    " clusters listener listeners endpoint endpoints secret proxies core"
)


def is_kept(name: str) -> bool:
    """Whether a name stays: it tells nothing of whose mesh this is."""
    return name in KEPT or bool(_API_VERSION.match(name)) or is_project_domain(name)


def is_project_domain(host: str) -> bool:
    """Whether a host is Istio's, Kubernetes', Envoy's or their documentation's."""
    return bool(_DOMAINS.search(host))


_SENTENCES = ("title", "summary", "symptom", "question", "note", "look", "do", "changes")
_WORD = re.compile(r"(?<!\S)[a-z]+(?=[\s.,;:)?]|$)")


SYNTAX = frozenset(
    (*_COMMANDS.split(), *(part for kind in ALL for part in (kind.name.lower(), kind.plural)))
)
"""Words of commands, paths and object texts: to replace one everywhere would break them all."""


@cache
def vocabulary() -> frozenset[str]:
    """The words of meshdoctor's own sentences and commands.

    A workload may be called ``client``: in a sentence the word alone does not name it.
    """
    words: set[str] = set()
    library = (*documents(""), *documents("causes"))
    for text in (*(text for _, item in library for text in _sentences(item)), *_titles()):
        words.update(_WORD.findall(text.lower()))
    return frozenset(words)


def texts_of(value: Any, field: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a document with the name of the field that holds it."""
    if isinstance(value, str):
        yield field, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from texts_of(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from texts_of(item, field)


def _sentences(item: Any) -> Iterator[str]:
    """The sentences of a part of the library, without its examples of real names."""
    return (text for field, text in texts_of(item) if field in _SENTENCES)


def _titles() -> Iterator[str]:
    for code in codes().values():
        yield f" {code.title} {code.fix} "

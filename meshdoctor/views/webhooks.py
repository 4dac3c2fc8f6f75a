"""``webhooks``: every injection and validation webhook, whom it selects and whether it can answer.

The selectors are evaluated against the namespaces, pods and objects that were read; the Service,
its endpoints and the caBundle are looked up, so that a row says what the API server will meet.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from meshdoctor.intent.injection_webhooks import SUFFIX, InjectionWebhook
from meshdoctor.intent.webhook_trust import BundleTrust, Trust, bundle_trust
from meshdoctor.model.kinds import (
    ALL,
    ENDPOINT_SLICE,
    MUTATING_WEBHOOK,
    NAMESPACE,
    POD,
    SERVICE,
    VALIDATING_WEBHOOK,
)
from meshdoctor.model.pod import is_finished
from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.model.selector import matches_selector
from meshdoctor.views.proxy_status_row import age_text
from meshdoctor.views.selector_words import selector_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

UNKNOWN = "unknown"
"""A cell whose input could not be read."""
COLUMNS: tuple[tuple[str, str], ...] = (
    ("CONFIGURATION", "configuration"),
    ("ENTRY", "entry"),
    ("REVISION", "revision"),
    ("TAG", "tag"),
    ("DOES", "does"),
    ("SELECTS", "selects"),
    ("NAMESPACES", "namespaces_text"),
    ("SELECTED", "selected_text"),
    ("ON FAILURE", "failure_policy"),
    ("SERVICE", "service"),
    ("ENDPOINTS", "endpoints"),
    ("CA BUNDLE", "ca_bundle"),
    ("CA EXPIRES", "ca_expires"),
)
_VALIDATION = "validation.istio.io"
_INJECTION_WORDS = {
    "rev.namespace.": "injects pods of namespaces that name the revision",
    "rev.object.": "injects pods that name the revision themselves",
    "namespace.": "injects pods of namespaces with istio-injection=enabled",
    "object.": "injects pods that ask for it themselves",
    "auto.": "injects pods of every namespace that says nothing",
}


@dataclass(frozen=True, slots=True)
class WebhookRow:
    """One entry of a webhook configuration."""

    kind: str
    """``MutatingWebhookConfiguration`` or ``ValidatingWebhookConfiguration``."""
    configuration: str
    """The configuration's name."""
    entry: str
    revision: str
    tag: str
    """The revision tag it stands for; empty for none."""
    does: str
    selects: str
    """Its selectors in words."""
    namespaces: tuple[str, ...] | None
    """The namespaces that its namespaceSelector selects; None when they were not read."""
    is_everywhere: bool
    """Whether that is every namespace."""
    selected: int | None
    """How many of the pods (objects, for validation) that there are it selects; None if unread."""
    selected_kind: str
    """``pods`` or ``objects``."""
    failure_policy: str
    service: str
    """``namespace/name``, or the URL it calls."""
    endpoints: str
    """``2 ready``, ``none ready``, ``no such Service``, ``outside`` or ``unknown``."""
    ca_bundle: Trust
    ca_expires: str
    """How long from the moment of the snapshot; empty when there is no certificate."""
    ca_not_after: str | None
    """The same as an RFC 3339 time."""
    source: str
    pointer: str

    @property
    def namespaces_text(self) -> str:
        """The selected namespaces in a cell."""
        if self.namespaces is None:
            return UNKNOWN
        return "all" if self.is_everywhere else ",".join(self.namespaces) or "none"

    @property
    def selected_text(self) -> str:
        """The number selected in a cell."""
        number = UNKNOWN if self.selected is None else str(self.selected)
        return f"{number} {self.selected_kind}"


def _service(entry: InjectionWebhook) -> str:
    if entry.service is None:
        return str(entry.configuration.get(*entry.path, "clientConfig", "url") or UNKNOWN)
    return "/".join(entry.service)


def _endpoints(mesh: Snapshot, entry: InjectionWebhook) -> str:
    """What answers behind the entry's Service."""
    if entry.service is None:
        return "outside"
    if not mesh.catalog.known(SERVICE):
        return UNKNOWN
    namespace, name = entry.service
    if mesh.catalog.find(SERVICE, namespace, name) is None:
        return "no such Service"
    if not mesh.catalog.known(ENDPOINT_SLICE):
        return UNKNOWN
    ready = {
        str(address)
        for piece in mesh.catalog.within(ENDPOINT_SLICE, namespace)
        if piece.labels.get("kubernetes.io/service-name") == name
        for item in map(as_mapping, as_list(piece.get("endpoints")))
        # An absent condition counts as ready (discovery.k8s.io/v1 EndpointConditions).
        if as_mapping(item.get("conditions")).get("ready") is not False
        for address in as_list(item.get("addresses"))
    }
    return f"{len(ready)} ready" if ready else "none ready"


def _selected_pods(mesh: Snapshot, entry: InjectionWebhook) -> int | None:
    if not mesh.catalog.known(POD, NAMESPACE):
        return None
    labels = {item.name: item.labels for item in mesh.catalog.of(NAMESPACE)}
    return sum(
        1
        for pod in mesh.catalog.of(POD)
        if not is_finished(pod) and entry.selects(labels.get(pod.namespace, {}), pod.labels)
    )


def _selected_objects(mesh: Snapshot, entry: InjectionWebhook) -> int | None:
    """How many Istio objects a validation entry would see if they were written now."""
    rules = [as_mapping(r) for r in as_list(entry.configuration.get(*entry.path, "rules"))]
    groups = [group for rule in rules for group in as_list(rule.get("apiGroups"))]
    kinds = [kind for kind in ALL if kind.group in groups]
    if not mesh.catalog.known(NAMESPACE, *kinds):
        return None
    labels = {item.name: item.labels for item in mesh.catalog.of(NAMESPACE)}
    return sum(
        1
        for kind in kinds
        for item in mesh.catalog.of(kind)
        if matches_selector(entry.namespace_selector, labels.get(item.namespace, {}))
        and matches_selector(entry.object_selector, item.labels)
    )


def _injection_words(entry: InjectionWebhook) -> str:
    if entry.is_deactivated:
        return "nothing: switched off in favour of a revision tag"
    prefix = entry.name.removesuffix(SUFFIX)
    return _INJECTION_WORDS.get(prefix, "injects pods")


def _validation_words(entry: InjectionWebhook) -> str:
    del entry
    return "checks Istio objects before they are stored"


def _expires(mesh: Snapshot, trust: BundleTrust) -> str:
    if trust.not_after is None:
        return UNKNOWN if trust.trust is Trust.UNKNOWN else ""
    left = (trust.not_after - mesh.now).total_seconds()
    return f"in {age_text(left)}" if left >= 0 else f"expired {age_text(-left)} ago"


def _row(
    mesh: Snapshot,
    entry: InjectionWebhook,
    what: str,
    words: Callable[[InjectionWebhook], str],
    count: Callable[[InjectionWebhook], int | None],
) -> WebhookRow:
    bundle = entry.configuration.get(*entry.path, "clientConfig", "caBundle")
    home = entry.service[0] if entry.service else mesh.root_namespace
    trust = bundle_trust(mesh, bundle, home)
    known = mesh.catalog.known(NAMESPACE)
    every = mesh.catalog.of(NAMESPACE)
    chosen = [n.name for n in every if matches_selector(entry.namespace_selector, n.labels)]
    singular = what.removesuffix("s")
    return WebhookRow(
        kind=entry.configuration.kind.name,
        configuration=entry.configuration.name,
        entry=entry.name,
        revision=entry.revision,
        tag=entry.tag,
        does=words(entry),
        selects=f"namespace: {selector_words(entry.namespace_selector)}; "
        f"{singular}: {selector_words(entry.object_selector)}"
        + ("; and matchConditions" if entry.is_conditional else ""),
        namespaces=tuple(chosen) if known else None,
        is_everywhere=known and len(chosen) == len(every),
        selected=None if entry.is_conditional else count(entry),
        selected_kind=what,
        failure_policy=entry.failure_policy,
        service=_service(entry),
        endpoints=_endpoints(mesh, entry),
        ca_bundle=trust.trust,
        ca_expires=_expires(mesh, trust),
        ca_not_after=trust.not_after.isoformat().replace("+00:00", "Z")
        if trust.not_after
        else None,
        source=entry.configuration.source,
        pointer=f"{entry.configuration.pointer}/webhooks/{entry.index}",
    )


def _entries(configurations: tuple[Resource, ...], suffix: str) -> Iterator[InjectionWebhook]:
    for configuration in configurations:
        for index, item in enumerate(as_list(configuration.get("webhooks"))):
            if str(as_mapping(item).get("name") or "").endswith(suffix):
                yield InjectionWebhook(configuration, index)


def rows(mesh: Snapshot) -> tuple[WebhookRow, ...]:
    """Every injection entry, then every validation entry, by configuration."""
    catalog = mesh.catalog
    injection = _entries(catalog.of(MUTATING_WEBHOOK), SUFFIX)
    validation = _entries(catalog.of(VALIDATING_WEBHOOK), _VALIDATION)
    pods, objects = partial(_selected_pods, mesh), partial(_selected_objects, mesh)
    return (
        *(_row(mesh, item, "pods", _injection_words, pods) for item in injection),
        *(_row(mesh, item, "objects", _validation_words, objects) for item in validation),
    )


def unread(mesh: Snapshot) -> tuple[str, ...]:
    """The webhook lists that could not be read: their rows are unknown, not absent."""
    return mesh.catalog.unread(MUTATING_WEBHOOK, VALIDATING_WEBHOOK)


def to_json(row: WebhookRow) -> dict[str, Any]:
    """The row as plain values; what could not be read is ``unknown``."""
    return {
        "kind": row.kind,
        "configuration": row.configuration,
        "entry": row.entry,
        "revision": row.revision,
        "tag": row.tag or None,
        "does": row.does,
        "selects": row.selects,
        "namespaces": UNKNOWN if row.namespaces is None else list(row.namespaces),
        f"selected_{row.selected_kind}": UNKNOWN if row.selected is None else row.selected,
        "failure_policy": row.failure_policy,
        "service": row.service,
        "endpoints": row.endpoints,
        "ca_bundle": row.ca_bundle.value,
        "ca_not_after": row.ca_not_after,
        "source": row.source,
        "pointer": row.pointer,
    }

"""What the API server makes of a new pod: injected, let in as it is, or refused.

In the order of the API server: mutating webhooks, then LimitRanger, PodSecurity and
ResourceQuota on what came of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meshdoctor.drill.admission_pod_security import pod_security_refusal
from meshdoctor.drill.admission_quota import quota_refusal, with_default_limits
from meshdoctor.drill.controllers_ambient import enrolled
from meshdoctor.drill.injecting import TEMPLATES, injected, injected_gateway
from meshdoctor.drill.injecting_own import SettingsError
from meshdoctor.drill.objects import ENDPOINT_SLICES, annotations_of, labels_of
from meshdoctor.drill.pods import as_pod
from meshdoctor.intent.control_plane import ready_pods, serves
from meshdoctor.intent.injection_verdict import Verdict, injection_verdict
from meshdoctor.intent.injection_webhooks import selecting
from meshdoctor.intent.network_policies import Verdict as Passage
from meshdoctor.intent.network_policies import decide
from meshdoctor.intent.revision_labels import DEFAULT_REVISION, REVISION
from meshdoctor.intent.revisions import control_planes
from meshdoctor.intent.webhook_trust import Trust, entry_trust
from meshdoctor.model.kinds import NAMESPACE, SERVICE
from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.serve.object_store import name_of

if TYPE_CHECKING:
    from meshdoctor.drill.state import State
    from meshdoctor.intent.injection_webhooks import InjectionWebhook
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.serve.object_store import Object

_INJECT_PORT = 443
_DISCOVERY_PORT = 15012
_LEFT_ALONE = (
    Verdict.INFRASTRUCTURE,
    Verdict.NEVER,
    Verdict.OPTED_OUT,
    Verdict.HOST_NETWORK,
    Verdict.SKIPPED,
)
"""istiod is asked and leaves the pod as it is."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A pod as it is stored."""

    pod: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Refused:
    """No pod comes of it."""

    message: str
    """The API server's words, as a controller's condition has them."""


def _endpoints(state: State, namespace: str, name: str) -> list[str]:
    """The ready addresses behind a Service."""
    return [
        str(address)
        for one in state.objects.all(ENDPOINT_SLICES, namespace)
        if labels_of(one).get("kubernetes.io/service-name") == name
        for endpoint in as_list(one.get("endpoints"))
        if as_mapping(as_mapping(endpoint).get("conditions")).get("ready") is not False
        for address in as_list(as_mapping(endpoint).get("addresses"))
    ]


def _failure(state: State, webhook: InjectionWebhook) -> str | None:
    """Why a webhook cannot be called; None when it answers."""
    if webhook.service is None:
        return None
    mesh = state.mesh
    namespace, name = webhook.service
    if mesh.catalog.known(SERVICE) and mesh.catalog.find(SERVICE, namespace, name) is None:
        return f'service "{name}" not found'
    if not _endpoints(state, namespace, name):
        return f'no endpoints available for service "{name}"'
    if entry_trust(mesh, webhook) in (Trust.DIFFERS, Trust.EMPTY):
        return "tls: failed to verify certificate: x509: certificate signed by unknown authority"
    return None


def called(state: State, webhook: InjectionWebhook) -> Refused | bool:
    """Whether a webhook was called, or the refusal where it had to be.

    Args:
        state: the moment.
        webhook: an entry that selects what is written.
    """
    why = _failure(state, webhook)
    if why is None:
        return True
    if webhook.failure_policy == "Ignore":
        return False
    namespace, name = webhook.service or ("", "")
    address = f"https://{name}.{namespace}.svc:{_INJECT_PORT}{webhook.url_path}?timeout=10s"
    return Refused(
        f'Internal error occurred: failed calling webhook "{webhook.name}": '
        f'failed to call webhook: Post "{address}": {why}'
    )


def _answering(mesh: Snapshot, webhook: InjectionWebhook) -> str:
    """The revision that injects: of the istiod behind the Service, whatever the labels say."""
    service = mesh.catalog.find(SERVICE, *webhook.service) if webhook.service else None
    planes = control_planes(mesh).values()
    return next(
        (one.revision for one in planes if service is not None and serves(service, one)),
        webhook.revision,
    )


def _made_by(
    state: State, webhook: InjectionWebhook, pod: Object, workload: str, kind: str
) -> dict[str, Any] | Refused:
    """What one webhook that answers makes of a pod."""
    if annotations_of(pod).get(TEMPLATES):
        return injected_gateway(state, pod)
    try:
        return injected(state, pod, _answering(state.mesh, webhook), workload, kind)
    except SettingsError as error:
        denied = f'admission webhook "{webhook.name}" denied the request'
        return Refused(f"{denied}: Pod injection failed: {error}")


def _injection(state: State, pod: Object, workload: str, kind: str) -> dict[str, Any] | Refused:
    """The pod after every webhook that selects it.

    Configurations are called by name; an injector takes out what another put in before it puts in
    its own (pkg/kube/inject, ``reinsertOverrides``), so that the last one wins.
    """
    mesh, resource = state.mesh, as_pod(pod)
    namespace = mesh.catalog.find(NAMESPACE, "", resource.namespace)
    labels = namespace.labels if namespace is not None else {}
    leaves = injection_verdict(mesh, resource).verdict in _LEFT_ALONE
    made: dict[str, Any] | None = None
    # The API server calls a webhook that matches even where istiod will leave the pod alone.
    found = selecting(mesh, labels, resource.labels)
    for webhook in sorted(found, key=lambda one: one.configuration.name):
        answer: dict[str, Any] | Refused | bool = called(state, webhook)
        if answer is True and (not leaves or annotations_of(pod).get(TEMPLATES)):
            answer = _made_by(state, webhook, pod, workload, kind)
        if isinstance(answer, Refused):
            return answer
        if isinstance(answer, dict):
            made = answer
    return enrolled(state, pod) if made is None else made


def admit(state: State, pod: Object, workload: str, kind: str) -> Admitted | Refused:
    """Decide about a new pod.

    Args:
        state: the moment.
        pod: as its controller created it.
        workload: name of the workload above it.
        kind: the workload's kind.
    """
    made = _injection(state, pod, workload, kind)
    if isinstance(made, Refused):
        return made
    namespace, name = name_of(pod)
    made = with_default_limits(state.objects, made)
    why = pod_security_refusal(state.objects, namespace, made) or quota_refusal(
        state.objects, namespace, made
    )
    if why is not None:
        return Refused(f'pods "{name}" is forbidden: {why}')
    return Admitted(made)


def reaches_istiod(mesh: Snapshot, pod: Object) -> bool:
    """Whether a pod's proxy can get configuration: a ready istiod that NetworkPolicies let it to.

    Args:
        mesh: the moment, as a snapshot.
        pod: with a proxy.
    """
    planes = control_planes(mesh)
    plane = planes.get(annotations_of(pod).get(REVISION) or DEFAULT_REVISION)
    for istiod in ready_pods(plane) if plane is not None else ():
        if decide(mesh, as_pod(pod), istiod, _DISCOVERY_PORT).verdict is not Passage.BLOCKED:
            return True
    # Where no control plane was read at all it may well run elsewhere.
    return not planes

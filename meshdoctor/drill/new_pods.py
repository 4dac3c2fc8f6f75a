"""What becomes of a pod that somebody creates now: whether it is let in, and who injects it.

Labels of a namespace say what is asked for; whether it comes about is up to the webhooks, to the
istiod behind them and to admission. So a pod is created, in thought, and looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.drill.admission import Refused, admit
from meshdoctor.drill.objects import NAMESPACES
from meshdoctor.drill.pods import as_pod, completed
from meshdoctor.intent.revisions import got_revision
from meshdoctor.model.pod import has_proxy

if TYPE_CHECKING:
    from meshdoctor.drill.state import State

_NAME = "probe"


@dataclass(frozen=True, slots=True)
class NewPod:
    """A pod that is wanted to come about in a certain way."""

    namespace: str
    sidecar: bool = True
    revision: str = ""
    """Of the control plane that injects it; empty for any."""
    labels: tuple[tuple[str, str], ...] = ()


def judged_pod(state: State, wanted: NewPod) -> tuple[bool, str]:
    """Whether such a pod comes about as wanted, and what decides it.

    Args:
        state: the mesh at that moment.
        wanted: where, and how.
    """
    if state.objects.get(NAMESPACES, "", wanted.namespace) is None:
        return False, f"there is no namespace {wanted.namespace}"
    pod = {
        "metadata": {"name": _NAME, "namespace": wanted.namespace, "labels": dict(wanted.labels)},
        "spec": completed({"containers": [{"name": "app", "image": "app"}]}),
    }
    answer = admit(state, pod, _NAME, "Deployment")
    if isinstance(answer, Refused):
        return False, f"a new pod in {wanted.namespace} is refused: {answer.message}"
    made = as_pod(answer.pod)
    revision = got_revision(made)
    said = f"a sidecar of revision {revision}" if has_proxy(made) else "no sidecar"
    fits = has_proxy(made) == wanted.sidecar and wanted.revision in ("", revision)
    return fits, f"a new pod in {wanted.namespace} gets {said}"

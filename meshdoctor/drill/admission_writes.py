"""Admission of what people write: pods of their own, and Istio's configuration.

A real API server refuses before it stores; the writer is told, and nothing of it stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.drill.admission import Refused, admit, called
from meshdoctor.drill.objects import PODS, controller_of, labels_of, spec_of
from meshdoctor.drill.pods import completed
from meshdoctor.drill.validating import refusal
from meshdoctor.intent.injection_webhooks import InjectionWebhook
from meshdoctor.intent.webhook_trust import VALIDATION, istio_webhooks
from meshdoctor.model.kinds import NAMESPACE
from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.model.selector import matches_selector
from meshdoctor.serve.api_error import ApiError
from meshdoctor.serve.object_store import name_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.drill.state import State
    from meshdoctor.serve.object_store import Object
    from meshdoctor.serve.resource_type import Key

_INTERNAL, _FORBIDDEN, _BAD = 500, 403, 400


def _refused(message: str) -> ApiError:
    if message.startswith("Internal error occurred"):
        return ApiError(_INTERNAL, message, "InternalError")
    return ApiError(_FORBIDDEN, message, "Forbidden")


def _covers(entry: InjectionWebhook, key: Key, operation: str) -> bool:
    """Whether the rules of a webhook's entry cover a write."""
    written = as_mapping(entry.configuration.get(*entry.path))
    return any(
        {key[0], "*"} & set(as_list(rule.get("apiGroups")))
        and {key[1], "*", "*/*"} & set(as_list(rule.get("resources")))
        and {operation, "*"} & set(as_list(rule.get("operations")))
        for rule in map(as_mapping, as_list(written.get("rules")))
    )


def _validators(state: State, key: Key, item: Object, operation: str) -> Iterator[InjectionWebhook]:
    """Istio's validating webhooks that are called for a write."""
    mesh = state.mesh
    namespace = mesh.catalog.find(NAMESPACE, "", name_of(item)[0])
    labels = namespace.labels if namespace is not None else {}
    for entry in istio_webhooks(mesh):
        if (
            entry.name.endswith(VALIDATION)
            and _covers(entry, key, operation)
            and matches_selector(entry.namespace_selector, labels)
            and matches_selector(entry.object_selector, labels_of(item))
        ):
            yield entry


def _validated(state: State, key: Key, item: Object, operation: str) -> None:
    for entry in _validators(state, key, item, operation):
        answer = called(state, entry)
        if isinstance(answer, Refused):
            raise _refused(answer.message)
        why = refusal(key, item) if answer else ""
        if why:
            said = f'admission webhook "{entry.name}" denied the request: {why}'
            denied = ApiError(_BAD, said)
            denied.status.pop("reason", None)  # istiod gives none, and kubectl prints none
            raise denied


def admitted(state: State, key: Key, item: Object, old: Object | None) -> dict[str, Any]:
    """What is stored of what somebody writes.

    Args:
        state: the moment before.
        key: the resource.
        item: as it shall be.
        old: as it stands; None where it is new.

    Raises:
        ApiError: a webhook or a plugin of the API server refuses it.
    """
    if key == PODS and old is None and not controller_of(item):
        bare = {**item, "spec": completed(spec_of(item))}
        answer = admit(state, bare, name_of(item)[1], "Pod")
        if isinstance(answer, Refused):
            raise _refused(answer.message)
        return answer.pod
    if key[0].endswith(".istio.io"):
        _validated(state, key, item, "CREATE" if old is None else "UPDATE")
    return dict(item)

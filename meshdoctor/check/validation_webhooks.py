"""Validation webhooks: Istio objects are checked before they are stored, by a living istiod."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.check.checker import MeshChecker
from meshdoctor.check.control_plane import absence
from meshdoctor.check.outcome import Result, failed_if
from meshdoctor.check.webhook_entries import answers, fails_closed, trusted, validation_entries
from meshdoctor.intent.revisions import control_planes
from meshdoctor.model.kinds import (
    CONFIG_MAP,
    DEPLOYMENT,
    ENDPOINT_SLICE,
    POD,
    SERVICE,
    VALIDATING_WEBHOOK,
)

if TYPE_CHECKING:
    from meshdoctor.model.snapshot import Snapshot


def _exist(mesh: Snapshot) -> Result:
    if nothing := absence(mesh):
        return nothing
    served = {row.revision for row in validation_entries(mesh)}
    return failed_if(
        f"no ValidatingWebhookConfiguration checks objects for revision {revision}"
        for revision in control_planes(mesh)
        if revision not in served
    )


def _answer(mesh: Snapshot) -> Result:
    return answers(validation_entries(mesh))


def _trust(mesh: Snapshot) -> Result:
    return trusted(mesh, validation_entries(mesh))


def _closed(mesh: Snapshot) -> Result:
    # The chart begins with Ignore; istiod sets Fail as soon as it answers.
    return fails_closed(validation_entries(mesh), "wrong objects are stored unchecked")


CHECKERS = (
    MeshChecker(
        id="validation-webhooks",
        description="every revision has a validation webhook",
        warning=True,
        needs=(DEPLOYMENT, POD, VALIDATING_WEBHOOK),
        check=_exist,
    ),
    MeshChecker(
        id="validation-webhooks-answer",
        description="something answers behind the validation webhooks",
        needs=(VALIDATING_WEBHOOK, SERVICE, ENDPOINT_SLICE),
        check=_answer,
    ),
    MeshChecker(
        id="validation-webhooks-trust",
        description="the API server trusts what validates (caBundle)",
        needs=(VALIDATING_WEBHOOK, CONFIG_MAP),
        check=_trust,
    ),
    MeshChecker(
        id="validation-webhooks-fail-closed",
        description="an Istio object that cannot be checked is not stored",
        warning=True,
        needs=(VALIDATING_WEBHOOK,),
        check=_closed,
    ),
)

"""Every check, category by category, in the order they are shown."""

from __future__ import annotations

from meshdoctor.check import (
    control_plane,
    control_plane_service,
    control_plane_trust,
    crds,
    data_plane,
    gateways,
    injection_webhooks,
    kubernetes_api,
    node_agents,
    rights,
    validation_webhooks,
)
from meshdoctor.check.checker import CheckerCategory

CATEGORIES: tuple[CheckerCategory, ...] = (
    CheckerCategory("kubernetes-api", kubernetes_api.CHECKERS),
    CheckerCategory("rights", rights.CHECKERS),
    CheckerCategory("istio-crds", crds.CHECKERS),
    CheckerCategory(
        "istio-control-plane",
        (
            *control_plane.CHECKERS,
            *control_plane_service.CHECKERS,
            *control_plane_trust.CHECKERS,
        ),
    ),
    CheckerCategory(
        "istio-webhooks", (*injection_webhooks.CHECKERS, *validation_webhooks.CHECKERS)
    ),
    CheckerCategory("istio-gateways", gateways.CHECKERS),
    CheckerCategory("istio-data-plane", (*node_agents.CHECKERS, *data_plane.CHECKERS)),
)

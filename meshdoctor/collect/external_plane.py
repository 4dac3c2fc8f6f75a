"""A control plane outside the cluster: there is no istiod pod, and the webhooks call a URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.collect.read_reasons import failed
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshdoctor.collect.api import ReadError
    from meshdoctor.model.resource import Resource

_INJECTOR = "istio.io"
"""What the names of Istio's own webhooks end with, as in ``rev.namespace.sidecar-injector.…``."""


def external_plane(webhooks: Iterable[Resource]) -> ReadError | None:
    """Why no istiod can be asked, when it runs elsewhere.

    Args:
        webhooks: MutatingWebhookConfigurations.
    """
    for configuration in webhooks:
        for webhook in map(as_mapping, as_list(configuration.raw.get("webhooks"))):
            url = as_mapping(webhook.get("clientConfig")).get("url")
            if str(webhook.get("name")).endswith(_INJECTOR) and isinstance(url, str) and url:
                host = url.partition("://")[2].partition("/")[0]
                return failed(
                    f"no istiod runs in this cluster: {configuration.name} calls one at {host}"
                )
    return None

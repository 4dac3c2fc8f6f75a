"""Where a recording keeps a container's log."""

from __future__ import annotations

from meshdoctor.model.container_log import LOGS
from meshdoctor.model.pod import ISTIOD_CONTAINER, PROXY_CONTAINER
from meshdoctor.model.ztunnel import ZTUNNEL_LOG
from meshdoctor.recording.layout import ISTIOD_LOG

_ZTUNNEL = "ztunnel"


def log_place(namespace: str, pod: str, container: str, *, previous: bool = False) -> str:
    """The path of a container's log in a recording.

    Args:
        namespace: of the pod.
        pod: its name.
        container: its name; istio-proxy's and istiod's have places of their own.
        previous: whether it is the log of the container that ran before.
    """
    if container == PROXY_CONTAINER and not previous:
        if pod.startswith(f"{_ZTUNNEL}-"):
            return f"ztunnels/{namespace}/{pod}/{ZTUNNEL_LOG}"
        return f"proxies/{namespace}/{pod}/{PROXY_CONTAINER}.log"
    if container == ISTIOD_CONTAINER and not previous and pod.startswith("istiod"):
        return f"istiod/{namespace}/{pod}/{ISTIOD_LOG}"
    return f"{LOGS}/{namespace}/{pod}/{container}{'.previous' if previous else ''}.log"

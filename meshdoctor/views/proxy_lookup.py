"""Which proxy a person means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.diagnose.scope import ScopeError, find_workload

if TYPE_CHECKING:
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.snapshot import Snapshot


def find_proxy(mesh: Snapshot, text: str, namespaces: tuple[str, ...] = ()) -> Proxy:
    """The proxy that ``pod[.namespace]`` or ``deploy/name`` means; a workload's first one.

    Raises:
        ScopeError: nothing is called so, or nothing of its proxy was read.
    """
    named = [
        proxy
        for proxy in mesh.proxies.values()
        if text in (proxy.pod, proxy.id) and (not namespaces or proxy.namespace in namespaces)
    ]
    if len(named) > 1:
        places = ", ".join(proxy.namespace for proxy in named)
        raise ScopeError(f"{text} is in more than one namespace ({places}); name one with -n")
    if named:
        return named[0]
    workload = find_workload(mesh, text, namespaces)
    for pod in workload.pods:
        proxy = mesh.proxy_of(pod)
        if proxy is not None:
            return proxy
    raise ScopeError(f"nothing of a proxy of {workload} was read")

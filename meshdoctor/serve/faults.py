"""Faults on demand: which one, if any, befalls a request. They may change while the server runs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from meshdoctor.serve.faults_spec import (
    ADMIN_TARGETS,
    EVERYTHING,
    Fault,
    FaultError,
    FaultKind,
    parse_fault,
)
from meshdoctor.serve.request_info import RequestInfo

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Effect", "Fault", "FaultError", "FaultKind", "Faults", "parse_fault"]

_CONNECT = frozenset({"pods/exec", "pods/attach", "pods/portforward"})
"""Opened by GET (WebSocket) or POST (SPDY): to deny either verb denies both."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What befalls one request."""

    delay: float = 0.0
    """Seconds to wait first."""
    fault: Fault | None = None
    """The first other fault that fits."""

    def __bool__(self) -> bool:
        return self.delay > 0 or self.fault is not None

    @property
    def kind(self) -> FaultKind | None:
        """The fault's kind; None when nothing but a delay befalls the request."""
        return self.fault.kind if self.fault else None


def _resource_fits(fault: Fault, info: RequestInfo) -> bool:
    """Whether a fault's target names what a request asks of the API."""
    if fault.target in {"*", EVERYTHING}:
        return True
    if fault.target.startswith("/"):
        return fnmatchcase(info.path, fault.target)
    if fault.target in ADMIN_TARGETS or not info.resource:
        return False
    wanted, _, part = fault.target.partition("/")
    names = (info.resource, f"{info.resource}.{info.group}")
    return any(fnmatchcase(name, wanted) for name in names) and fnmatchcase(info.subresource, part)


def _denies(fault: Fault, info: RequestInfo) -> bool:
    """Whether RBAC that lacks just this would forbid the request."""
    if not info.resource or not _resource_fits(fault, info):
        return False
    if "*" not in {fault.verb, info.verb} and fault.verb != info.verb:
        connects = info.target in _CONNECT and {fault.verb, info.verb} == {"get", "create"}
        if not connects:
            return False
    # Rights add up: who may not read one namespace may not read all of them at once.
    if info.namespace and not fnmatchcase(info.namespace, fault.namespace):
        return False
    return fnmatchcase(info.name, fault.name) if info.name else fault.name == "*"


class Faults:
    """The faults in force. One list at a time; a change replaces it whole."""

    def __init__(self, *faults: Fault | str) -> None:
        """Start with these.

        Args:
            faults: specs (``"deny:list:secrets"``) or parsed ones.

        Raises:
            FaultError: a spec cannot be understood.
        """
        self._faults: tuple[Fault, ...] = ()
        self._used: Counter[int] = Counter()
        self.set(*faults)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Those in force, in the order they are tried."""
        return self._faults

    def set(self, *faults: Fault | str) -> None:
        """Replace all; counts of ``first N times`` start anew.

        Raises:
            FaultError: a spec cannot be understood.
        """
        parsed = tuple(parse_fault(one) if isinstance(one, str) else one for one in faults)
        self._used = Counter()
        self._faults = parsed

    def add(self, *faults: Fault | str) -> None:
        """Put more after those in force.

        Raises:
            FaultError: a spec cannot be understood.
        """
        more = tuple(parse_fault(one) if isinstance(one, str) else one for one in faults)
        self._faults = (*self._faults, *more)

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self.set()

    def denial(
        self,
        verb: str,
        group: str,
        resource: str,
        subresource: str = "",
        namespace: str = "",
        name: str = "",
    ) -> str | None:
        """Why a request would be forbidden, for answers of 403 and for self-subject reviews.

        Args:
            verb: get, list, watch, create, …; ``*`` asks about all verbs at once.
            group: API group, empty for the core group.
            resource: plural.
            subresource: such as ``portforward``.
            namespace: empty asks about the whole cluster.
            name: empty asks about all names.

        Returns:
            The denying spec; None when the request is allowed.
        """
        asked = RequestInfo(verb, "", resource, subresource, group, "", namespace, name)
        for fault in self._faults:
            if fault.kind is FaultKind.DENY and _denies(fault, asked):
                return fault.text or "deny"
        return None

    def for_request(self, info: RequestInfo, *, continues: bool = False) -> Effect:
        """What befalls a request to the API.

        Args:
            info: what it asks.
            continues: whether it has a continue token.
        """

        def fits(fault: Fault) -> bool:
            if fault.kind is FaultKind.DENY:
                return _denies(fault, info)
            return (
                (continues or fault.kind is not FaultKind.EXPIRE)
                and fault.verb in {"*", info.verb}
                and _resource_fits(fault, info)
                and fnmatchcase(info.namespace, fault.namespace)
                and fnmatchcase(info.name, fault.name)
            )

        return self._effect(fault for fault in self._faults if fits(fault))

    def for_admin(self, role: str, namespace: str, pod: str, path: str) -> Effect:
        """What befalls a request inside a pod.

        Args:
            role: proxy, istiod or ztunnel.
            namespace: the pod's.
            pod: its name.
            path: path and query of the admin request.
        """
        return self._effect(
            fault
            for fault in self._faults
            if fault.target in {role, EVERYTHING}
            and fnmatchcase(namespace, fault.namespace)
            and fnmatchcase(pod, fault.name)
            and fnmatchcase(path, fault.path)
        )

    def _effect(self, fitting: Iterable[Fault]) -> Effect:
        """Add up delays; the first other fault that is not used up is the one."""
        delay, chosen = 0.0, None
        for fault in fitting:
            if chosen is not None and fault.kind is not FaultKind.LATENCY:
                continue
            if fault.times is not None:
                if self._used[id(fault)] >= fault.times:
                    continue
                self._used[id(fault)] += 1
            if fault.kind is FaultKind.LATENCY:
                delay += fault.seconds
            else:
                chosen = fault
        return Effect(delay, chosen)

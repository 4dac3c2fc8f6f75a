"""Join what was assembled into a Snapshot, with what is missing from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.model.catalog import Catalog
from meshdoctor.model.kinds import POD
from meshdoctor.model.snapshot import Snapshot
from meshdoctor.recording.completeness import kind_states, missing_parts

if TYPE_CHECKING:
    from collections.abc import Callable

    from meshdoctor.model.not_read import NotRead
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import About
    from meshdoctor.recording.assembly import Assembly
    from meshdoctor.recording.completeness import Absent

_DEFAULT_REVISION = "default"


def _revisions(assembly: Assembly) -> dict[tuple[str, str], str]:
    """Each istiod pod's revision, from the label that its chart sets."""
    pods = assembly.resources.get(POD, ("", ()))[1]
    return {
        (pod.namespace, pod.name): pod.labels.get("istio.io/rev", _DEFAULT_REVISION) for pod in pods
    }


def access_format(assembly: Assembly) -> str | None:
    """The mesh's own text access-log format, when it has one."""
    for parts in assembly.istiods.values():
        written = parts.get("mesh", {}).get("accessLogFormat")
        if isinstance(written, str) and written.strip():
            return written
    return None


def _everywhere(pod: Resource) -> bool:
    del pod
    return True


def joined(
    assembly: Assembly,
    about: About,
    told: tuple[NotRead, ...],
    *,
    absent: Absent,
    wanted: Callable[[Resource], bool] = _everywhere,
) -> Snapshot:
    """A snapshot of everything that has been assembled so far.

    Args:
        assembly: the parts; more may be added to it afterwards.
        about: what the snapshot says of itself.
        told: what the recorder or the collectors could not read.
        absent: why a needed part is missing that nobody said anything about.
        wanted: whether a proxy's or an istiod's pod was to be read; the others are not missed.
    """
    states, missing = kind_states(assembly, told, absent)
    resources = [item for _, items in assembly.resources.values() for item in items]
    not_read = [*assembly.not_read, *told, *missing]
    not_read += missing_parts(assembly, {item.what for item in not_read}, absent, wanted)
    return Snapshot.build(
        about=about,
        catalog=Catalog.build(resources, states),
        istiods=assembly.built_istiods(_revisions(assembly)),
        proxies=assembly.built_proxies(),
        ztunnels=assembly.built_ztunnels(),
        not_read=not_read,
        container_logs=assembly.container_logs.values(),
        further=assembly.further,
    )

"""What the injection analyzers say when their inputs could not be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.analyze.base import MESH_SUBJECT, namespace_subject
from meshdoctor.model.finding import Finding, Outcome

if TYPE_CHECKING:
    from meshdoctor.analyze.injection_cases import NamespaceCase
    from meshdoctor.model.kinds import Kind
    from meshdoctor.model.snapshot import Snapshot


def unread_finding(
    mesh: Snapshot, code: str, *kinds: Kind, case: NamespaceCase | None = None
) -> Finding:
    """An UNKNOWN for a namespace, or for the mesh as a whole.

    Args:
        mesh: the snapshot.
        code: the code that cannot be decided.
        kinds: those of the analyzer's inputs that it lacks (read ones are passed over).
        case: the namespace; None for the mesh.
    """
    needs = mesh.catalog.unread(*kinds)
    if case is None:
        what = " and ".join(sorted({kind.name for kind in kinds}))
        message = f"{what} objects were not read, so injection cannot be judged."
        return Finding(code, MESH_SUBJECT, Outcome.UNKNOWN, message, "mesh", needs=needs)
    return Finding(
        code,
        namespace_subject(case.name),
        Outcome.UNKNOWN,
        f"What becomes of new pods in {case.name} is not known: {case.verdict.reason}.",
        str(case.namespace),
        needs=needs or case.verdict.unread,
    )

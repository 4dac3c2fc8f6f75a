"""The fixes of a scaffold: what the diagnosis proposes, tried on the mesh."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.drill.drill import Role
from meshdoctor.drill.edits import EditError, TargetError, parse_edits
from meshdoctor.drill.grader import Grader
from meshdoctor.drill.kubectl_words import edits_of
from meshdoctor.drill.library import parse_check
from meshdoctor.drill.lint_schema import TODO

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from meshdoctor.drill.world import World
    from meshdoctor.model.diagnosis import RootCause

    Document = dict[str, Any]


def fixes_for(
    cause: RootCause, request: Mapping[str, Any], world: Callable[[], World]
) -> list[Document]:
    """A reference fix, an alternative and a wrong one; TODO for what has to be thought of.

    The first proposal that mends the request is the reference, the next an alternative. Where the
    diagnosis names no request, its proposals are taken for steps, one after the other.

    Args:
        cause: what is wrong.
        request: what must be answered, as a drill's check has it.
        world: makes the mesh that proposals are tried on.
    """
    proposed = [(fix.do, edits) for fix in cause.fix if (edits := edits_of(fix.command))]
    steps = ("; then ".join(do for do, _ in proposed), [e for _, edits in proposed for e in edits])
    if TODO in str(request):
        right = [steps] if proposed and _can_be_made(steps[1], world()) else []
    else:
        tried = [*proposed, steps] if len(proposed) > 1 else proposed
        mesh = world() if tried else None
        right = [one for one in tried if mesh is not None and _mends(one[1], request, mesh)]
        right = right[:-1] if len(right) > 1 and right[-1] is steps else right
    fixes = [
        {"role": role.value, "says": says, "edits": edits}
        for role, (says, edits) in zip(_roles(len(right)), right, strict=True)
    ]
    return [*fixes, *_missing(cause, right)]


def _roles(number: int) -> list[Role]:
    return [Role.REFERENCE, *[Role.ALTERNATIVE] * (number - 1)][:number]


def _missing(cause: RootCause, right: list[tuple[str, list[Document]]]) -> list[Document]:
    """What the diagnosis has no words for."""
    placeholder = [{"annotate": {"object": cause.objects[0], "set": {TODO: TODO}}}]
    wanted = {
        Role.REFERENCE: "the least fix",
        Role.ALTERNATIVE: "another right fix",
    }
    given = _roles(len(right))
    found: list[Document] = [
        {"role": role.value, "says": f"{TODO}: {says}", "edits": placeholder}
        for role, says in wanted.items()
        if role not in given
    ]
    lazy = {"role": Role.WRONG.value, "says": f"{TODO}: a lazy fix, and the check that catches it"}
    return [*found, {**lazy, "edits": placeholder, "fails": ["answers"]}]


def _can_be_made(edits: list[Document], world: World) -> bool:
    try:
        for edit in parse_edits(edits):
            edit.apply(world.cluster)
    except (EditError, TargetError):
        return False
    return True


def _mends(edits: list[Document], request: Mapping[str, Any], world: World) -> bool:
    world.reset()
    return _can_be_made(edits, world) and _is_answered(request, world)


def _is_answered(request: Mapping[str, Any], world: World) -> bool:
    check = parse_check({"id": "answers", "says": "", "request": request})
    return Grader().result(check, world).passed is True

"""Grading: not what was edited counts, but what the mesh does afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.diagnose.scope_error import ScopeError
from meshdoctor.drill.conditions import Condition
from meshdoctor.drill.drill import RoutedRequest
from meshdoctor.drill.mesh_facts import MeshFact
from meshdoctor.drill.new_pods import NewPod, judged_pod
from meshdoctor.drill.route_judging import Judgement, judge_route
from meshdoctor.trace.walk import walk as trace_walk
from meshdoctor.views.trace_request import build_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from meshdoctor.drill.drill import Check, Drill, WantedRequest
    from meshdoctor.drill.objects import Objects
    from meshdoctor.drill.state import State
    from meshdoctor.drill.world import World
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.trace import Request, Walk

FULL = 100
HINT_COSTS = (5, 10, 15)
"""Points for the first, second and third hint."""
_PER_MINUTE, _MOST_FOR_TIME = 1, 20


@dataclass(frozen=True, slots=True)
class CheckResult:
    """How one check went."""

    id: str
    says: str
    passed: bool | None
    """None where it cannot be told: that is no pass."""
    because: str
    objects: tuple[str, ...] = ()
    """Which decide it."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Points lost on something besides the checks."""

    what: str
    """``hints``, ``time`` or the guard's id."""
    points: int
    because: str


@dataclass(frozen=True, slots=True)
class Grade:
    """The report on one attempt."""

    drill: str
    checks: tuple[CheckResult, ...]
    losses: tuple[Loss, ...]
    points: int
    """Of ``FULL``."""

    @property
    def passed(self) -> bool:
        """Whether the mesh is mended: every check passes."""
        return all(check.passed is True for check in self.checks)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What counts besides the mesh."""

    hints: int = 0
    """How many were shown."""
    seconds: float = 0.0
    """Since the drill began."""


@dataclass(frozen=True, slots=True)
class Grader:
    """Grades attempts by walking requests through the mesh."""

    walk: Callable[[Snapshot, Request], Walk] = trace_walk

    def grade(self, drill: Drill, world: World, attempt: Attempt | None = None) -> Grade:
        """Grade an attempt.

        Args:
            drill: what is asked.
            world: the mesh as the candidate left it.
            attempt: hints and time; none of either where it is left out.
        """
        results = tuple(self._check(check, world, at_start=False) for check in drill.checks)
        losses = tuple(_losses(drill, world, attempt or Attempt()))
        lost = sum(loss.points for loss in losses)
        return Grade(drill.id, results, losses, max(self._won(drill, world, results) - lost, 0))

    def result(self, check: Check, world: World) -> CheckResult:
        """How one check goes on the mesh as it stands.

        Args:
            check: what must hold.
            world: the mesh.
        """
        return self._check(check, world, at_start=False)

    def _won(self, drill: Drill, world: World, results: tuple[CheckResult, ...]) -> int:
        """Points for the checks: what held from the start wins nothing, and costs when broken."""
        mended = broken = wanted = 0
        for check, result in zip(drill.checks, results, strict=True):
            if self._check(check, world, at_start=True).passed is True:
                broken += check.points * (result.passed is not True)
            else:
                wanted += check.points
                mended += check.points * (result.passed is True)
        shares = sum(check.points for check in drill.checks)
        won = FULL * mended // wanted if wanted else FULL
        return won - FULL * broken // shares

    def _check(self, check: Check, world: World, *, at_start: bool) -> CheckResult:
        wants = check.wants
        if isinstance(wants, NewPod):
            found = _judged_new_pod(world.state(at_start=at_start), wants)
        elif isinstance(wants, Condition):
            found = _judged_objects(world, world.start if at_start else world.objects, wants)
        else:
            mesh = world.start_snapshot if at_start else world.snapshot()
            found = self._judged_mesh(mesh, wants)
        return CheckResult(check.id, check.says, *found)

    def _judged_mesh(
        self, mesh: Snapshot, wants: WantedRequest | RoutedRequest | MeshFact
    ) -> Judgement:
        if isinstance(wants, MeshFact):
            return _judged_fact(mesh, wants)
        asked = wants.request if isinstance(wants, RoutedRequest) else wants
        try:
            request = build_request(
                mesh,
                asked.source,
                asked.to,
                namespaces=(asked.namespace,) if asked.namespace else (),
                method=asked.method,
                headers=dict(asked.headers),
                claims=dict(asked.claims),
                no_token=not asked.claims,
            )
        except ScopeError as error:
            return Judgement(False, str(error), ())
        found = self.walk(mesh, request)
        if isinstance(wants, RoutedRequest):
            return judge_route(mesh, found, wants.way)
        return _judged(wants, found)


def _judged_new_pod(state: State, wanted: NewPod) -> Judgement:
    holds, said = judged_pod(state, wanted)
    return Judgement(holds, said, (f"Namespace {wanted.namespace}",))


def _judged_objects(world: World, objects: Objects, wanted: Condition) -> Judgement:
    verdict = wanted.holds(world.start, objects)
    return Judgement(verdict.holds, verdict.because, (str(wanted.target),))


def _judged_fact(mesh: Snapshot, wanted: MeshFact) -> Judgement:
    found = wanted.holds(mesh)
    if found is None:
        return Judgement(None, "it cannot be told by what was read", ())
    target = (str(wanted.target),) if wanted.target is not None else ()
    return Judgement(found.holds, found.because, target)


def _judged(wanted: WantedRequest, found: Walk) -> Judgement:
    """Whether a walk ends as it is wanted, and what decides that."""
    if not found.is_known:
        needs = ", ".join(one.what for one in found.unknown if one.decisive)
        return Judgement(None, f"how it ends cannot be told without {needs or 'more'}", ())
    certain = [one for one in found.outcomes if not one.condition]
    failing = [one for one in certain if one.is_failure]
    if wanted.succeeds:
        if failing:
            worst = failing[0]
            return Judgement(False, f"{_end(worst.status)}: {worst.because}", worst.objects)
        return Judgement(True, certain[0].because if certain else "it is answered", ())
    if len(failing) < len(certain) or not certain:
        return Judgement(False, "it is answered, and must not be", ())
    wrong = [one for one in failing if wanted.status is not None and one.status != wanted.status]
    if wrong:
        return Judgement(
            False, f"it fails with {_end(wrong[0].status)}: {wrong[0].because}", wrong[0].objects
        )
    return Judgement(True, f"{_end(failing[0].status)}: {failing[0].because}", failing[0].objects)


def _end(status: int | None) -> str:
    return str(status) if status else "no answer"


def _losses(drill: Drill, world: World, attempt: Attempt) -> list[Loss]:
    found: list[Loss] = []
    if shown := min(attempt.hints, len(HINT_COSTS)):
        found.append(Loss("hints", sum(HINT_COSTS[:shown]), f"{shown} of 3 hints were shown"))
    late = attempt.seconds / 60 - drill.minutes
    if late > 0:
        points = min(int(late + 1) * _PER_MINUTE, _MOST_FOR_TIME)
        found.append(Loss("time", points, f"{late:.0f} minutes over the {drill.minutes} allowed"))
    for guard in drill.guards:
        verdict = guard.when.holds(world.start, world.objects)
        if verdict.holds:
            found.append(Loss(guard.id, guard.points, f"{guard.says}: {verdict.because}"))
    return found

"""A drill to be finished, from what a recording's own diagnosis says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from meshdoctor.diagnose.library import causes
from meshdoctor.drill.conditions import parse_condition
from meshdoctor.drill.drill import Domain
from meshdoctor.drill.lint_schema import TODO, is_allowed_page
from meshdoctor.drill.scaffold_fixes import fixes_for
from meshdoctor.drill.scaffold_request import requests_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from meshdoctor.drill.world import World
    from meshdoctor.model.diagnosis import Diagnosis, RootCause

    Document = dict[str, Any]

_HEAD = """\
# Written by meshdoctor drill new. Replace every TODO; meshdoctor drill lint --play FILE says what
# is left, and whether the fixes do what they should. docs/drills.md explains every key.
"""
_ANYWHERE = "https://istio.io/latest/docs/ops/common-problems/"
_WEIGHT, _MINUTES = 6, 8
"""One of sixteen tasks: a sixteenth of the marks and of two hours."""
_ALL_WORKLOADS = "Deployment */*"
_PLACEHOLDER = {"annotate": {"object": "Namespace istio-system", "set": {TODO: TODO}}}
_LONGEST_TITLE = 80


def scaffold(name: str, recording: str, diagnosis: Diagnosis, world: Callable[[], World]) -> str:
    """The YAML of a drill: what can be known of it, and TODO for the rest.

    Args:
        name: the drill's id.
        recording: as the drill's file names it.
        diagnosis: of the recording.
        world: makes the recording's mesh, to try fixes on.
    """
    found = diagnosis.root_causes
    document = _broken(found, world) if found else _healthy()
    document = {"id": name, "title": document.pop("title"), "recording": recording, **document}
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)
    return f"{_HEAD}{text}"


def _broken(found: tuple[RootCause, ...], world: Callable[[], World]) -> Document:
    first = found[0]
    domain = Domain(causes()[first.id].exam_domain)
    request, fixes = _mended(first, world)
    return {
        "title": _title(first),
        "causes": list(dict.fromkeys(one.id for one in found)),
        "domain": domain.value,
        "weight": _WEIGHT,
        "minutes": _MINUTES,
        "task": _task(first),
        "seen": {"namespaces": _namespaces(first), "screens": [], "commands": []},
        "hints": [
            f"{TODO}: which layer, as in: it is a matter of routing",
            f"{TODO}: which command or screen shows it",
            f"Look at {' and at '.join(first.objects[:2])}.",
        ],
        "questions": _questions(first),
        "fixes": fixes,
        "checks": _checks(first, request),
        "guards": [one for one in _guards(first, domain) if not _holds_already(one, world())],
        "explanation": f"{first.summary} {TODO}: why the fix is the least one.",
        "look_alike": f"{TODO}: what it is easily taken for, and the fact that tells the two apart",
        "paired_with": [f"{TODO}: drills or root causes that look alike"],
        "documents": [page for page in first.docs if is_allowed_page(page)] or [_ANYWHERE],
    }


def _mended(cause: RootCause, world: Callable[[], World]) -> tuple[Document, list[Document]]:
    """The first request that some proposal mends, and the fixes; else the first of all."""
    tried = [(one, fixes_for(cause, one, world)) for one in requests_for(cause)]
    mended = (one for one in tried if TODO not in one[1][0]["says"])
    return next(mended, tried[0])


def _healthy() -> Document:
    """A recording in which nothing is wrong has to be broken first, or built upon."""
    return {
        "title": f"{TODO}: shown afterwards",
        "setup": [_PLACEHOLDER],
        "causes": [f"{TODO}: root causes that the set-up makes, by id; none where all is well"],
        "domain": Domain.TROUBLESHOOTING.value,
        "weight": _WEIGHT,
        "minutes": _MINUTES,
        "task": f"{TODO}: as the exam would word it, never the cause, and what must hold after it",
        "seen": {"namespaces": [], "screens": [], "commands": []},
        "hints": [f"{TODO}: which {one}" for one in ("layer", "command or screen", "object")],
        "questions": [
            {"topic": topic, "ask": TODO, "answers": [TODO], "because": TODO}
            for topic in ("layer", "object")
        ],
        "fixes": [
            {"role": "reference", "says": TODO, "edits": [_PLACEHOLDER]},
            {"role": "alternative", "says": TODO, "edits": [_PLACEHOLDER]},
            {"role": "wrong", "says": TODO, "edits": [_PLACEHOLDER], "fails": ["answers"]},
        ],
        "checks": [
            {"id": "answers", "says": TODO, "points": 3, "request": {"from": TODO, "to": TODO}},
            _unchanged(None),
        ],
        "guards": [],
        "explanation": f"{TODO}: what was wrong, why it hurt, and why the fix is the least one",
        "look_alike": TODO,
        "paired_with": [],
        "documents": [_ANYWHERE],
    }


def _title(cause: RootCause) -> str:
    short = len(cause.title) <= _LONGEST_TITLE
    return cause.title if short else f"{TODO}: {cause.title}"[:_LONGEST_TITLE]


def _task(cause: RootCause) -> str:
    seen = "; ".join(
        f"{one.source or 'a client'} gets no right answer from {one.to}"
        if one.to
        else f"{one.source} is not as it should be"
        for one in cause.affected[:2]
    )
    wanted = "say what is seen, what must hold afterwards and what must not change, never the cause"
    return f"{TODO}: {wanted}. Seen: {seen or 'nothing yet'}."


def _namespaces(cause: RootCause) -> list[str]:
    """The namespaces of what takes part and of who suffers."""
    named = [text.partition(" ")[2] for text in cause.objects]
    named += [one.source.partition(" ")[2] for one in cause.affected]
    return sorted({text.partition("/")[0] for text in named if "/" in text})


def _questions(cause: RootCause) -> list[Document]:
    return [
        {
            "topic": "layer",
            "ask": "Where does it go wrong?",
            "answers": [TODO],
            "choices": [TODO],
            "because": TODO,
        },
        {
            "topic": "object",
            "ask": "Which object has to change first?",
            "answers": [cause.objects[0]],
            "because": cause.summary,
        },
    ]


def _checks(cause: RootCause, request: Document) -> list[Document]:
    says = f"{request['from']} reaches {request['to']}"
    first = {"id": "answers", "says": says, "points": 3, "request": request}
    return [first, _unchanged(cause)]


def _unchanged(cause: RootCause | None) -> Document:
    """Workloads but the one at fault stay what they are."""
    wanted: Document = {"object": _ALL_WORKLOADS, "path": ["spec", "template"]}
    if cause is not None and (own := _workloads(cause)):
        wanted["except"] = own
    return {
        "id": "workloads-unchanged",
        "says": "The workloads are what they were",
        "unchanged": wanted,
    }


def _workloads(cause: RootCause) -> list[str]:
    """The Deployments that the fix may have to touch."""
    named = (cause.objects[0], *(one.source for one in cause.affected if not one.to))
    return sorted({text for text in named if text.startswith("Deployment ")})


def _guards(cause: RootCause, domain: Domain) -> list[Document]:
    restarted: Document = {"object": _ALL_WORKLOADS}
    if own := _workloads(cause):
        restarted["except"] = own
    found: list[Document] = [
        {
            "id": "restarted-others",
            "says": "Workloads were restarted that needed no restart",
            "points": 15,
            "when": {"restarted": restarted},
        },
        {
            "id": "deleted",
            "says": "What had to be mended was deleted",
            "points": 20,
            "when": {"deleted": {"object": cause.objects[0]}},
        },
    ]
    if domain is Domain.SECURITY:
        mode = {"path": ["spec", "mtls", "mode"], "equals": "PERMISSIVE"}
        found.append(
            {
                "id": "permissive",
                "says": "Plaintext was let in",
                "points": 20,
                "when": {"field": {"object": "PeerAuthentication */*", **mode}},
            }
        )
    return found


def _holds_already(guard: Document, world: World) -> bool:
    """A guard that would cost points before anybody did anything."""
    return parse_condition(guard["when"]).holds(world.start, world.start).holds

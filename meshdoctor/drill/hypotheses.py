"""What a candidate may suppose: a drill's cause among others that look like it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from meshdoctor.diagnose.library import causes, playbooks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.diagnose.library import Cause
    from meshdoctor.drill.drill import Drill

_MOST, _ENOUGH = 14, 8
"""More are not told apart in a list; fewer can be guessed."""
_BLANK = re.compile(r"\{\w+\}")


def hypotheses(drill: Drill, others: tuple[Drill, ...] = ()) -> tuple[Cause, ...]:
    """The causes to choose from, by id; none where a drill asks to build something.

    Args:
        drill: the drill.
        others: drills that it may be paired with.
    """
    if not drill.causes:
        return ()
    known = causes()
    found = dict.fromkeys(name for name in _candidates(drill, others) if name in known)
    kept = dict.fromkeys(list(found)[: max(_MOST, len(drill.causes))])
    # Where few look like it, others of its domain: it must not be guessed.
    own = [known[name] for name in drill.causes if name in known]
    domains = {one.domain for one in own} | {one.exam_domain for one in own}
    for cause in sorted(known.values(), key=lambda one: (one.domain not in domains, one.id)):
        if len(kept) < _ENOUGH and domains.intersection((cause.domain, cause.exam_domain)):
            kept.setdefault(cause.id)
    return tuple(known[name] for name in sorted(kept))


def _candidates(drill: Drill, others: tuple[Drill, ...]) -> Iterator[str]:
    """The drill's own, its look-alikes, then those that share a symptom, then a playbook."""
    yield from drill.causes
    by_id = {one.id: one for one in others}
    for name in drill.paired_with:
        yield from by_id[name].causes if name in by_id else (name,)
    known = causes()
    symptoms = {one for name in drill.causes if name in known for one in known[name].symptoms}
    for cause in known.values():
        if symptoms.intersection(cause.symptoms):
            yield cause.id
    for playbook in playbooks():
        if set(playbook.causes).intersection(drill.causes):
            yield from playbook.causes


def words_of(cause: Cause) -> str:
    """What a cause says, with blanks where the mesh's own names stand."""
    return _BLANK.sub("…", cause.title)

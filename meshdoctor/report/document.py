"""The report before it has a format: everything that any format tells, in a fixed order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from meshdoctor import __version__
from meshdoctor.analyze.registry import analyzers
from meshdoctor.diagnose.library import playbook_for, playbooks
from meshdoctor.diagnose.unread import missing_of
from meshdoctor.report.failing_request import FailingRequest, failing_requests
from meshdoctor.report.hiding import Hider
from meshdoctor.report.impact import impact_of
from meshdoctor.report.texts import with_texts
from meshdoctor.report.verdict import exit_code, headline

if TYPE_CHECKING:
    from meshdoctor.exit_codes import ExitCode
    from meshdoctor.model.diagnosis import Diagnosis, RootCause
    from meshdoctor.model.snapshot import About, Snapshot

FORMAT = "meshdoctor.report/v1"


@dataclass(frozen=True, slots=True)
class RanPlaybook:
    """A playbook, and what walking it came to."""

    id: str
    title: str
    walks: int
    """For how many subjects it was walked."""
    causes: tuple[str, ...]
    """Ids of the root causes found by it."""
    skipped: str = ""
    """Why it was not walked; empty when it was, or when nothing in the mesh asked for it."""


@dataclass(frozen=True, slots=True)
class RanAnalyzer:
    """An analyzer, and what it could not look at."""

    name: str
    description: str
    lacked: tuple[str, ...]
    """The inputs of which some part was not read."""


@dataclass(frozen=True, slots=True)
class Document:
    """A report: the diagnosis with all that a reader needs to trust it."""

    verdict: str
    """The verdict in one line."""
    exit_code: ExitCode
    """What ``diagnose`` and ``report`` exit with."""
    impact: tuple[str, ...]
    """Who suffers, a line each."""
    tool_version: str
    """The version of meshdoctor that diagnosed; who read is in ``about.provenance``."""
    about: About
    """The mesh: when it was read, from where, its versions, what was hidden."""
    diagnosis: Diagnosis
    """Root causes, look-alikes, gaps, findings; without the single walks."""
    playbooks: tuple[RanPlaybook, ...]
    analyzers: tuple[RanAnalyzer, ...]
    requests: tuple[FailingRequest, ...] = ()
    """A request that fails, for each root cause where the walk of one says that it will."""
    hidden_late: int = 0
    """Texts with secrets that nobody had hidden before: the recording was not redacted."""
    is_masked: bool = False
    """Whether names and addresses are pseudonyms."""

    def request_of(self, cause: RootCause) -> FailingRequest | None:
        """The request that fails by a root cause; None where none is known."""
        return next((item for item in self.requests if item.rank == cause.rank), None)


def _playbooks(diagnosis: Diagnosis) -> tuple[RanPlaybook, ...]:
    symptom = diagnosis.scope.symptom
    asked = playbook_for(symptom) if symptom else None
    return tuple(
        RanPlaybook(
            id=playbook.id,
            title=playbook.title,
            walks=sum(1 for walk in diagnosis.walks if walk.playbook == playbook.id),
            causes=tuple(
                sorted({c.id for c in diagnosis.root_causes if c.playbook == playbook.id})
            ),
            skipped=f"the question was {asked.id} alone" if asked not in (None, playbook) else "",
        )
        for playbook in playbooks()
    )


def _analyzers(mesh: Snapshot, diagnosis: Diagnosis) -> tuple[RanAnalyzer, ...]:
    """Every analyzer runs; what it lacked is what makes its conclusions unknown."""
    lacked = {
        wanted: bool(missing_of(mesh, diagnosis.scope, wanted))
        for analyzer in analyzers()
        for wanted in analyzer.inputs
    }
    return tuple(
        RanAnalyzer(
            name=analyzer.name,
            description=analyzer.description,
            lacked=tuple(sorted(wanted for wanted in analyzer.inputs if lacked[wanted])),
        )
        for analyzer in analyzers()
    )


def document_of(mesh: Snapshot, diagnosis: Diagnosis) -> Document:
    """Make the report of a diagnosis.

    Args:
        mesh: the snapshot that was diagnosed; "now" is its time, never the clock.
        diagnosis: what was made of it.
    """
    document = Document(
        verdict=headline(diagnosis),
        exit_code=exit_code(diagnosis),
        impact=impact_of(diagnosis),
        tool_version=__version__,
        about=mesh.about,
        diagnosis=replace(diagnosis, walks=()),
        playbooks=_playbooks(diagnosis),
        analyzers=_analyzers(mesh, diagnosis),
        requests=failing_requests(mesh, diagnosis),
    )
    hider = Hider()
    return replace(with_texts(document, hider.hide), hidden_late=hider.hidden)

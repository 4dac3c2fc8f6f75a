"""Checks in CEL: what users want to be true of an object, without a line of code.

The Common Expression Language is the one of Kubernetes' validation rules. A check looks at every
object of some kinds and says which of them are at fault (playbooks/check.schema.json).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from meshdoctor.analyze.base import holds, namespace_subject, workload_subject
from meshdoctor.analyze.codes import Code
from meshdoctor.extension.folders import own_documents
from meshdoctor.model.finding import Finding, Outcome, Severity
from meshdoctor.model.kinds import NAMESPACE, Kind, kind_named

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from cel import Program

    from meshdoctor.model.finding import Fact
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_WORKLOADS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "Pod"})


class CheckError(ValueError):
    """A check that cannot be used; the message is one line."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A CEL expression, compiled when it is first needed."""

    source: str
    program: Program

    @classmethod
    def of(cls, source: str) -> Expression:
        """Compile one.

        Raises:
            CheckError: it is not CEL.
        """
        import cel

        try:
            return cls(source, cel.compile(source))
        except ValueError as error:
            said = str(error).splitlines()[0].partition("ERROR: ")[2] or str(error)
            raise CheckError(f"{source!r} is not CEL: {said}") from None


@dataclass(frozen=True)
class Check:
    """One check: an analyzer that was written as data."""

    code: Code
    kinds: tuple[Kind, ...]
    """Objects that are looked at."""
    reads: tuple[Kind, ...]
    """Further objects that the expressions know, as ``others.<Kind>``."""
    where: Expression | None
    """Which of the objects are looked at; all without."""
    fails: Expression
    message: str
    words: Mapping[str, Expression]
    evidence: tuple[tuple[str | int, ...], ...]
    fact: str
    file: str = field(compare=False, default="")

    @property
    def name(self) -> str:
        """As its code says."""
        return f"check-{self.code.code.lower()}"

    @property
    def description(self) -> str:
        """Its title."""
        return self.code.title

    @property
    def codes(self) -> tuple[str, ...]:
        """Its own."""
        return (self.code.code,)

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """The kinds it reads."""
        return tuple(dict.fromkeys(kind.input for kind in (*self.kinds, *self.reads)))

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """Look at every object of its kinds."""
        for kind in self.kinds:
            if not mesh.catalog.known(kind, *self.reads):
                yield self._unread(mesh, kind)
                continue
            others = {k.name: [item.raw for item in mesh.catalog.of(k)] for k in self.reads}
            for item in mesh.catalog.of(kind):
                found = self._judged(mesh, item, others)
                if found is not None:
                    yield found

    def _unread(self, mesh: Snapshot, kind: Kind) -> Finding:
        needs = mesh.catalog.unread(kind, *self.reads)
        said = f"{self.code.title}: not every {kind.name} could be looked at"
        return Finding(self.code.code, "mesh", Outcome.UNKNOWN, said, "", needs=tuple(needs))

    def _judged(self, mesh: Snapshot, item: Resource, others: Mapping[str, Any]) -> Finding | None:
        known = {
            "object": item.raw,
            "others": others,
            "now": mesh.now,
            "mesh": {"root_namespace": mesh.root_namespace, "istio": mesh.about.istio or ""},
        }
        try:
            if self.where is not None and self.where.program.execute(known) is not True:
                return None
            failed = self.fails.program.execute(known) is True
            words = {name: str(word.program.execute(known)) for name, word in self.words.items()}
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            said = " ".join(str(error).split())
            if isinstance(error, KeyError):
                said = f"there is no {said} (has() asks for a field)"
            text = f"{self.code.code} cannot be told for {item}: {said}"
            return Finding(self.code.code, _subject(item), Outcome.UNKNOWN, text, str(item))
        words |= {"object": str(item), "name": item.name, "namespace": item.namespace}
        text = self.message.format_map(words) if failed else f"{item} passes: {self.code.title}"
        return Finding(
            code=self.code.code,
            subject=_subject(item),
            outcome=Outcome.FAIL if failed else Outcome.PASS,
            message=text,
            resource=str(item),
            objects=(str(item),),
            facts=(self._fact(item, text),),
            fills=words,
        )

    def _fact(self, item: Resource, text: str) -> Fact:
        """What it looked at: the fields it names, else the object's name."""
        paths = [path for path in self.evidence if item.get(*path) is not None]
        shown = [item.evidence(*path) for path in paths or [("metadata", "name")]]
        return holds(self.fact, text, *shown)


def _subject(item: Resource) -> str:
    if item.kind is NAMESPACE:
        return namespace_subject(item.name)
    return workload_subject(item) if item.kind.name in _WORKLOADS else f"object {item}"


def _kinds(names: list[str], file: str) -> tuple[Kind, ...]:
    found = []
    for name in names:
        kind = kind_named(name)
        if kind is None:
            raise CheckError(f"{file}: no kind is called {name!r}")
        found.append(kind)
    return tuple(found)


def parse_check(document: Mapping[str, Any], file: str = "") -> Check:
    """Read a check that fits its schema.

    Args:
        document: one entry of a file of ``checks/``.
        file: its path, for errors.

    Raises:
        CheckError: an expression is not CEL, or a kind is not known.
    """
    try:
        code = Code(
            document["code"], document["title"], Severity(document["severity"]), document["fix"]
        )
        where = document.get("where")
        return Check(
            code=code,
            kinds=_kinds(document["for"], file),
            reads=_kinds(document.get("reads", []), file),
            where=Expression.of(where) if where else None,
            fails=Expression.of(document["fails"]),
            message=" ".join(document["message"].split()),
            words={k: Expression.of(v) for k, v in document.get("words", {}).items()},
            evidence=tuple(tuple(path) for path in document.get("evidence", ())),
            fact=document.get("fact", document["code"].lower()),
            file=file,
        )
    except CheckError as error:
        raise CheckError(str(error) if file in str(error) else f"{file}: {error}") from None


def entries(document: Any) -> list[Any]:
    """The checks of one file, which holds one or a list of them."""
    return document if isinstance(document, list) else [document]


def own_checks(folders: tuple[Path, ...]) -> tuple[Check, ...]:
    """Every check that users added.

    Args:
        folders: those in use.

    Raises:
        CheckError: one cannot be used.
    """
    if not folders:
        return ()
    found = [(name, one) for name, document in own_documents("checks") for one in entries(document)]
    return tuple(parse_check(one, name) for name, one in found)

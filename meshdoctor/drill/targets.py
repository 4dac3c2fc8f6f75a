"""Objects by the name that people give them: ``Kind namespace/name``, ``Kind name``."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from meshdoctor.drill.objects import key_of
from meshdoctor.model.kinds import Kind, kind_named
from meshdoctor.model.resource import object_text
from meshdoctor.serve.object_store import name_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.drill.objects import Objects
    from meshdoctor.serve.object_store import Object
    from meshdoctor.serve.resource_type import Key


class TargetError(ValueError):
    """A name that means no object; the message is one line."""


@dataclass(frozen=True, slots=True)
class Target:
    """What an edit or a check is about."""

    kind: Kind
    namespace: str
    """Empty for what is in none."""
    name: str
    """May be a pattern, with ``*``, where several may be meant."""

    def __str__(self) -> str:
        """``Kind namespace/name``."""
        return object_text(self.kind.name, self.namespace, self.name)

    @property
    def key(self) -> Key:
        """Where its objects are kept."""
        return key_of(self.kind)

    @property
    def kubectl(self) -> list[str]:
        """How kubectl is told of it: resource and name, and the namespace."""
        group = "" if self.kind.group == "core" else f".{self.kind.group}"
        where = ["-n", self.namespace] if self.namespace else []
        return [f"{self.kind.plural}{group}/{self.name}", *where]

    def find(self, objects: Objects) -> Object | None:
        """The object; None where there is none."""
        return objects.get(self.key, self.namespace, self.name)

    def matching(self, objects: Objects) -> Iterator[Object]:
        """The objects that the pattern covers."""
        for item in objects.all(self.key):
            if self.covers(*name_of(item)):
                yield item

    def covers(self, namespace: str, name: str) -> bool:
        """Whether the pattern covers an object of its kind by this name."""
        return fnmatchcase(namespace, self.namespace) and fnmatchcase(name, self.name)


def parse_target(text: str) -> Target:
    """Read ``Kind namespace/name``.

    A kind whose name is taken twice is Istio's; ``Gateway.gateway.networking.k8s.io`` is the other.

    Raises:
        TargetError: there is no such kind, or no name.
    """
    word, _, rest = text.strip().partition(" ")
    kind = kind_named(word)
    if kind is None:
        raise TargetError(f"{text!r}: no kind is called {word!r}")
    namespace, slash, name = rest.strip().rpartition("/")
    if not name or (slash and not namespace):
        raise TargetError(f"{text!r} is no object: write Kind namespace/name")
    return Target(kind, namespace, name)

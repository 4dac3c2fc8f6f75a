"""One Kubernetes or Istio object as it was read, with the place it was read from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from meshdoctor.model.evidence import Evidence, excerpt_of, join_pointer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.model.kinds import Kind


def parse_time(text: object) -> datetime | None:
    """An RFC 3339 time as an aware datetime; None when it is absent or garbled."""
    if not isinstance(text, str):
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else None


def as_mapping(value: object) -> Mapping[str, Any]:
    """The value when it is a mapping, else an empty one: objects may be garbled."""
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> list[Any]:
    """The value when it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def as_strings(value: object) -> dict[str, str]:
    """A label-like mapping: string keys to string values, everything else dropped."""
    return {k: v for k, v in as_mapping(value).items() if isinstance(v, str)}


def object_text(kind: str, namespace: str, name: str) -> str:
    """``Kind namespace/name``, or ``Kind name`` for cluster-scoped objects."""
    return f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"


@dataclass(frozen=True, slots=True)
class Resource:
    """An object, raw, beside the file and pointer it was read from."""

    kind: Kind
    namespace: str
    name: str
    raw: Mapping[str, Any]
    source: str
    pointer: str

    def __str__(self) -> str:
        """The object's text form: ``Kind namespace/name``."""
        return object_text(self.kind.name, self.namespace, self.name)

    def __hash__(self) -> int:
        """Identity is the place it was read from."""
        return hash((self.source, self.pointer))

    def __eq__(self, other: object) -> bool:
        """Equal when read from the same place."""
        return (
            isinstance(other, Resource)
            and self.source == other.source
            and self.pointer == other.pointer
        )

    def get(self, *path: str | int) -> Any:
        """Value at a path of keys and indexes; None where the path ends early."""
        value: Any = self.raw
        for part in path:
            if isinstance(part, str) and isinstance(value, dict):
                value = value.get(part)
            elif isinstance(part, int) and isinstance(value, list) and part < len(value):
                value = value[part]
            else:
                return None
        return value

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The object's metadata."""
        return as_mapping(self.raw.get("metadata"))

    @property
    def spec(self) -> Mapping[str, Any]:
        """The object's spec."""
        return as_mapping(self.raw.get("spec"))

    @property
    def status(self) -> Mapping[str, Any]:
        """The object's status."""
        return as_mapping(self.raw.get("status"))

    @property
    def labels(self) -> dict[str, str]:
        """The object's labels."""
        return as_strings(self.metadata.get("labels"))

    @property
    def annotations(self) -> dict[str, str]:
        """The object's annotations."""
        return as_strings(self.metadata.get("annotations"))

    @property
    def created(self) -> datetime | None:
        """The object's creationTimestamp."""
        return parse_time(self.metadata.get("creationTimestamp"))

    @property
    def changed(self) -> datetime | None:
        """When its own part was last written, as far as managedFields tell; else its creation."""
        written = parse_time(self.get("metadata", "managedFields", 0, "time"))
        return max(filter(None, (written, self.created)), default=None)

    def evidence(self, *path: str | int) -> Evidence:
        """Evidence for the value at a path; where it is absent, for its nearest parent."""
        parts = list(path)
        while parts and self.get(*parts) is None:
            parts.pop()
        # The reader drops bookkeeping from these two, so as a whole they are not what the file has.
        if parts in ([], ["metadata"], ["metadata", "annotations"]):
            parts = ["metadata", "name"]
        value = self.get(*parts)
        return Evidence(
            source=self.source,
            pointer=join_pointer(self.pointer, parts),
            excerpt=excerpt_of(value),
            command=self.command(*parts),
        )

    def command(self, *path: str | int) -> str:
        """The kubectl command that shows the same value."""
        plural = self.kind.plural
        if self.kind.group != "core" and self.kind.custom:
            plural = f"{plural}.{self.kind.group}"
        scope = f" -n {self.namespace}" if self.namespace else ""
        steps = "".join(
            f"[{part}]"
            if isinstance(part, int)
            else "." + part.replace(".", "\\.").replace("@", "\\@")
            for part in path
        )
        return f"kubectl get {plural} {self.name}{scope} -o jsonpath='{{{steps}}}'"

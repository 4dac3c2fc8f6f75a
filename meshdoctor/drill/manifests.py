"""Objects as YAML that people edit, and what they wrote as objects again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.serve.object_store import name_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from meshdoctor.serve.object_store import Object
    from meshdoctor.serve.resource_type import ResourceType

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_SERVERS = (
    "managedFields",
    "selfLink",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "name",
    "namespace",
)
"""Metadata that nobody edits, and the two that come first."""


class ManifestError(ValueError):
    """Text that is no manifest; the message is one line."""

    def __init__(self, message: str, line: int = 0) -> None:
        """Say why.

        Args:
            message: one line.
            line: where, counted from 1; 0 where no line is to blame.
        """
        super().__init__(message)
        self.line = line


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, and lists as kubectl does."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
_Dumper.ignore_aliases = lambda *_: True  # type: ignore[method-assign]  # one value may stand twice


class _Loader(yaml.SafeLoader):
    """Reads what kubectl reads: times stay text, and a key that is given twice is an error."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        """A mapping without doubles."""
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key {key.value!r} is there twice", key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    letter: [(tag, rule) for tag, rule in rules if tag != "tag:yaml.org,2002:timestamp"]
    for letter, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def document_of(kind: ResourceType, item: Object) -> dict[str, Any]:
    """An object as ``kubectl edit`` opens it, without status and what the server alone writes.

    Args:
        kind: its resource.
        item: as it is kept.
    """
    metadata = as_mapping(item.get("metadata"))
    namespace, name = name_of(item)
    shown: dict[str, Any] = {"name": name, **({"namespace": namespace} if namespace else {})}
    shown |= {key: value for key, value in metadata.items() if key not in _SERVERS}
    if isinstance(shown.get("annotations"), dict):
        kept = {key: value for key, value in shown["annotations"].items() if key != LAST_APPLIED}
        shown["annotations"] = kept
        if not kept:
            del shown["annotations"]
    rest = {
        key: value
        for key, value in item.items()
        if key not in ("apiVersion", "kind", "metadata", "status")
    }
    version = str(item.get("apiVersion") or kind.api_version(kind.versions[0]))
    return {"apiVersion": version, "kind": kind.kind, "metadata": shown, **rest}


def as_yaml(document: Mapping[str, Any]) -> str:
    """A document as YAML, keys in their order."""
    text: str = yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=10_000)
    return text


def read_manifests(text: str) -> tuple[dict[str, Any], ...]:
    """The objects in a text, of which ``---`` may part several; of a List its items.

    Args:
        text: YAML, or JSON.

    Raises:
        ManifestError: it cannot be read, or holds something else than objects.
    """
    try:
        documents = [one for one in yaml.load_all(text, Loader=_Loader) if one is not None]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = " ".join(str(error.problem or error.context or "it cannot be read").split())
        if mark is None:
            raise ManifestError(f"no YAML: {problem}") from None
        where = f"line {mark.line + 1}, column {mark.column + 1}"
        raise ManifestError(f"{where}: {problem}", mark.line + 1) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ManifestError(f"no YAML: {' '.join(str(error).split())}") from None
    found: list[dict[str, Any]] = []
    for one in documents:
        if not isinstance(one, dict):
            raise ManifestError("a manifest is a mapping that begins with apiVersion and kind")
        items = as_list(one.get("items")) if str(one.get("kind")) == "List" else [one]
        found += [item for item in items if isinstance(item, dict)]
    return tuple(found)

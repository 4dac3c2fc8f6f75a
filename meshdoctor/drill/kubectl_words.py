"""kubectl's own words as edits of a drill's YAML: what a diagnosis prints becomes a fix."""

from __future__ import annotations

import json
import re
import shlex
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import yaml

from meshdoctor.model.kinds import ALL, GATEWAY
from meshdoctor.model.resource import object_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Document = dict[str, Any]

_HEREDOC = re.compile(r"kubectl apply -f - <<'?(?P<end>\w+)'?\n(?P<text>.*)\n(?P=end)\s*", re.S)
_FLAGS_WITHOUT_VALUE = frozenset({"--overwrite", "--wait"})
_KINDS = {
    word: kind
    for kind in ALL
    for word in (kind.name.lower(), kind.plural, f"{kind.plural}.{kind.group}")
} | dict.fromkeys((GATEWAY.name.lower(), GATEWAY.plural), GATEWAY)
"""By the words that kubectl takes; a short word that is taken twice is Istio's."""


class _NoEditError(Exception):
    """A command that a drill's YAML has no words for."""


def edits_of(command: str) -> list[Document] | None:
    """The edits that a command line of kubectl makes.

    Args:
        command: one or several commands, joined by ``&&``.

    Returns:
        Each as a drill's YAML has it; None where there is more to it than an edit, as where a
        person has to edit a file.
    """
    try:
        if (manifest := _HEREDOC.fullmatch(command)) is not None:
            return [{"apply": _manifest(manifest["text"])}]
        return [edit for words in _commands(command) for edit in _edits(words)] or None
    except (_NoEditError, ValueError, yaml.YAMLError):
        return None


def _commands(text: str) -> Iterator[list[str]]:
    """The commands between ``&&``, split as a shell splits them."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    words: list[str] = []
    for word in lexer:
        if word == "&&":
            yield words
            words = []
        else:
            words.append(word)
    yield words


def _manifest(text: str) -> Document:
    document = yaml.safe_load(text)
    if not isinstance(document, dict) or not {"apiVersion", "kind", "metadata"} <= set(document):
        raise _NoEditError
    return document


def _edits(words: list[str]) -> list[Document]:
    match words:
        case ["echo", text, "|", "kubectl", "apply", "-f", "-"]:
            return [{"apply": _manifest(text)}]
        case ["kubectl", "get", *rest] if "|" not in rest:
            return []  # What is kept before it is deleted.
        case ["kubectl", *rest] if not {"|", ">", "<", ";", "||"} & set(rest):
            return _kubectl(*_parted(rest))
    raise _NoEditError


def _parted(words: list[str]) -> tuple[list[str], dict[str, str]]:
    """Arguments, and flags with their values."""
    arguments: list[str] = []
    flags: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if not word.startswith("-"):
            arguments.append(word)
        elif equals:
            flags[name] = value
        else:
            flags[name] = "" if word in _FLAGS_WITHOUT_VALUE else next(rest, "")
    return arguments, flags


def _kubectl(words: list[str], flags: dict[str, str]) -> list[Document]:
    namespace = flags.get("-n") or flags.get("--namespace") or ""
    match words:
        case ["label" | "annotate" as verb, *rest]:
            named, given = _named(rest, namespace)
            return [{verb: {"object": one, "set": _set(given)}} for one in named]
        case ["rollout", "restart", *rest]:
            return [{"restart": {"object": one}} for one in _named(rest, namespace)[0]]
        case ["delete", *rest]:
            return [{"delete": {"object": one}} for one in _named(rest, namespace)[0]]
        case ["scale", *rest]:
            number = int(flags.get("--replicas") or "")
            named = _named(rest, namespace)[0]
            return [{"scale": {"object": one, "replicas": number}} for one in named]
        case ["patch", *rest]:
            kind = flags.get("--type") or "strategic"
            patch = json.loads(flags.get("-p") or flags.get("--patch") or "")
            named = _named(rest, namespace)[0]
            return [{"patch": {"object": one, "type": kind, "patch": patch}} for one in named]
        case ["set", "image", *rest]:
            named, given = _named(rest, namespace)
            pairs = [word.partition("=") for word in given]
            return [
                {"set-image": {"object": one, "container": name, "image": image}}
                for one in named
                for name, _, image in pairs
            ]
    raise _NoEditError


def _named(words: list[str], namespace: str) -> tuple[list[str], list[str]]:
    """The objects that are named, ``kind/name`` or ``kind name``, and the words after them."""
    pairs = [word.split("/", 1) for word in takewhile(_names_an_object, words)]
    rest = words[len(pairs) :]
    if not pairs:
        if len(words) < 2:
            raise _NoEditError
        pairs, rest = [words[:2]], words[2:]
    return [_object(kind, name, namespace) for kind, name in pairs], rest


def _names_an_object(word: str) -> bool:
    """Whether a word is ``kind/name``; a label's key may hold a slash as well."""
    kind, slash, _ = word.partition("/")
    return bool(slash) and kind.lower() in _KINDS


def _object(word: str, name: str, namespace: str) -> str:
    kind = _KINDS.get(word.lower())
    if kind is None:
        raise _NoEditError
    word = f"{kind.name}.{kind.group}" if _is_taken_twice(kind.name) else kind.name
    return object_text(word, namespace, name)


def _is_taken_twice(name: str) -> bool:
    """Whether two kinds have a name: Istio's Gateway and that of the Gateway API."""
    return sum(kind.name == name for kind in ALL) > 1


def _set(words: Iterable[str]) -> dict[str, str | None]:
    """Labels or annotations: ``key=value`` sets one, ``key-`` takes it away."""
    found: dict[str, str | None] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if equals:
            found[key] = value
        elif word.endswith("-"):
            found[word.removesuffix("-")] = None
        else:
            raise _NoEditError
    if not found:
        raise _NoEditError
    return found

"""Whether what a candidate typed means one of the right answers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meshdoctor.drill.drill import Question

_TOOLS = ("kubectl", "istioctl", "meshdoctor")
_SHORT = {
    "pc": "proxy-config",
    "ps": "proxy-status",
    "x": "experimental",
    "cm": "configmap",
    "crd": "customresourcedefinition",
    "deploy": "deployment",
    "dr": "destinationrule",
    "ep": "endpoint",
    "ev": "event",
    "gw": "gateway",
    "netpol": "networkpolicy",
    "ns": "namespace",
    "po": "pod",
    "rs": "replicaset",
    "se": "serviceentry",
    "svc": "service",
    "vs": "virtualservice",
    "we": "workloadentry",
}
"""What kubectl and istioctl let people write for it."""
_WITH_VALUE = frozenset(
    ["-n", "--namespace", "-o", "--output", "-l", "--selector", "-c", "--container", "--revision"]
)
_OBJECT = re.compile(
    r"(?P<kind>[a-z.]+)[ /](?:(?P<before>[\w-]+)/)?(?P<name>[\w.-]+)"
    r"(?: (?:-n|in|in namespace|in the namespace) (?P<after>[\w-]+))?"
)
_INDEX = re.compile(r"\[[0-9*]*\]")
_KEY = re.compile(r"\[[\"']?([^\]\"']+)[\"']?\]")


def _plain(text: str) -> str:
    """Case, blanks, quotes around it and an article do not count."""
    return " ".join(text.casefold().strip("`'\"$ .").split()).removeprefix("the ")


def _word(text: str) -> str:
    """One word for the short and the long name, the singular and the plural."""
    found = re.sub("ies$", "y", _SHORT.get(text, text)).removesuffix("s")
    return _SHORT.get(found, found).removesuffix("s")


def _command(text: str) -> list[str]:
    """The words of a command, without options; empty for what is none."""
    words = text.split()
    if not words or words[0] not in _TOOLS:
        return []
    found: list[str] = []
    skip = False
    for word in words:
        if not skip and not word.startswith("-"):
            found += map(_word, word.split("/"))
        skip = not skip and word in _WITH_VALUE
    return found


def _same_command(said: str, wanted: str) -> bool:
    """Whether it is the command that is wanted, of whichever object."""
    words = _command(wanted)
    return bool(words) and _command(said)[: len(words)] == words


def _same_object(said: str, wanted: str) -> bool:
    """Whether it is the object that is wanted; its namespace may be left out, but not be wrong."""
    one, other = _OBJECT.fullmatch(said), _OBJECT.fullmatch(wanted)
    if one is None or other is None or one["name"] != other["name"]:
        return False
    place = one["before"] or one["after"]
    return _word(one["kind"]) == _word(other["kind"]) and place in (None, other["before"])


def _path(text: str) -> str:
    """A field's path without the places in its lists."""
    return _KEY.sub(r".\1", _INDEX.sub("", text)).replace("..", ".")


def _same_field(said: str, wanted: str) -> bool:
    """Whether it is the field that is wanted, or the end of its path."""
    return f".{_path(wanted)}".endswith(f".{_path(said)}")


def is_right(question: Question, text: str) -> bool:
    """Whether an answer is right.

    Of what is typed freely, the spelling does not count: short and long names of kubectl and
    istioctl, options, ``kind/name`` for ``Kind namespace/name``, the places in a path's lists, and
    what stands before a path's end.

    Args:
        question: what was asked.
        text: as the candidate typed or chose it.
    """
    said = _plain(text)
    if not said:
        return False
    for wanted in map(_plain, question.answers):
        if said == wanted:
            return True
        if question.choices:
            continue
        if _same_command(said, wanted) or _same_object(said, wanted):
            return True
        alone = " " not in said and " " not in wanted
        if alone and (_word(said) == _word(wanted) or _same_field(said, wanted)):
            return True
    return False

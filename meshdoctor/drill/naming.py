"""Names, hashes, uids and addresses as Kubernetes makes them, only never by chance.

Kubernetes draws them at random; here they follow from what they are for, so that the same edits
give the same mesh for ever.
"""

from __future__ import annotations

import hashlib
import uuid
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import msgspec

from meshdoctor.drill.objects import NODES, PODS, spec_of, status_of
from meshdoctor.serve.object_store import name_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.drill.objects import Objects

_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
"""Of generated names (apimachinery, ``util/rand``)."""
_SUFFIX = 5
_SPACE = uuid.UUID("6d657368-646f-6374-6f72-6472696c6c73")
_ENCODER = msgspec.json.Encoder(order="deterministic")
_FIRST_ADDRESS = "10.244.0.10"


def safe_encoded(text: str) -> str:
    """``rand.SafeEncodeString``: the characters of a hash that no bad word can come of."""
    return "".join(_LETTERS[ord(letter) % len(_LETTERS)] for letter in text)


def template_hash(template: Mapping[str, Any]) -> str:
    """A pod template's hash, of the form that ``ComputeHash`` gives it (FNV-1a, 32 bits)."""
    value = 0x811C9DC5
    for byte in _ENCODER.encode(template):
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return safe_encoded(str(value))


def suffix(*words: object) -> str:
    """Five letters that follow from words."""
    digest = hashlib.sha256(":".join(map(str, words)).encode()).digest()
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest[:_SUFFIX])


def free_suffix(
    objects: Objects, key: tuple[str, str], namespace: str, prefix: str, serial: int
) -> str:
    """A suffix that gives an object a name that nobody has, or had before.

    Args:
        objects: what there is.
        key: its resource.
        namespace: where it shall be.
        prefix: what comes before the suffix.
        serial: rises with every write to this mesh.
    """
    while objects.get(key, namespace, f"{prefix}{suffix(namespace, prefix, serial)}") is not None:
        serial += 1
    return suffix(namespace, prefix, serial)


def uid(*words: object) -> str:
    """A uid that follows from words."""
    return str(uuid.uuid5(_SPACE, ":".join(map(str, words))))


def free_address(objects: Objects) -> str:
    """The next pod address: above the highest that is in use on the pods' own network."""
    hosts = {str(status_of(pod).get("hostIP") or "") for pod in objects.all(PODS)}
    used = [
        ip_address(text)
        for pod in objects.all(PODS)
        if (text := str(status_of(pod).get("podIP") or "")) and text not in hosts
    ]
    newest = max((one for one in used if one.version == 4), default=ip_address(_FIRST_ADDRESS))
    return str(newest + 1)


def node_names(objects: Objects) -> list[str]:
    """The nodes, by name; where they were not read, those that pods run on."""
    found = [name_of(node)[1] for node in objects.all(NODES)]
    return found or sorted(
        {str(name) for pod in objects.all(PODS) if (name := spec_of(pod).get("nodeName"))}
    )

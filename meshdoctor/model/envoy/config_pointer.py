"""Back-pointers: the Kubernetes object that a part of the proxy's configuration came from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

_WORDS = {"http": "HTTP", "tcp": "TCP", "tls": "TLS", "grpc": "GRPC", "udp": "UDP"}
_PARTS = 8


@dataclass(frozen=True, slots=True)
class ConfigPointer:
    """The object named in ``filter_metadata.istio.config`` (AddConfigInfoMetadata in istiod)."""

    kind: str
    """Kind as Kubernetes spells it, e.g. ``DestinationRule``."""
    namespace: str
    name: str
    raw: str
    """The path as the proxy holds it."""

    def __str__(self) -> str:
        """``Kind namespace/name``."""
        return f"{self.kind} {self.namespace}/{self.name}"


def _kind(kebab: str) -> str:
    return "".join(_WORDS.get(word, word.capitalize()) for word in kebab.split("-"))


@lru_cache(maxsize=16384)
def parse_config_pointer(path: str) -> ConfigPointer | None:
    """Read ``/apis/<group>/<version>/namespaces/<ns>/<kebab-kind>/<name>``; None when it is not."""
    parts = path.split("/")
    if len(parts) != _PARTS or parts[:2] != ["", "apis"] or parts[4] != "namespaces":
        return None
    if not (parts[5] and parts[6] and parts[7]):
        return None
    return ConfigPointer(kind=_kind(parts[6]), namespace=parts[5], name=parts[7], raw=path)

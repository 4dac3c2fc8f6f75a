"""Facts turned round in a copy of a capture: what rules a cause out is no longer so."""

from __future__ import annotations

import base64
import json
import re
import shutil
from typing import TYPE_CHECKING, Any

from meshdoctor.model.evidence import resolve_pointer

if TYPE_CHECKING:
    from collections.abc import Callable

    from meshdoctor.model.diagnosis import RuledOut
    from meshdoctor.model.evidence import Evidence
    from tests.captures.editing import Copy

    Flip = Callable[[Copy, RuledOut], None]

_ANSWER = re.compile(r'(?<=") \d+ \S+ \S+ ')


def other(value: Any) -> Any:
    """Some other value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1111
    if isinstance(value, str):
        return f"{value}-flipped"
    if isinstance(value, dict):
        return {f"{key}x": other(item) for key, item in value.items()}
    return [] if isinstance(value, list) else "flipped"


def put(copy: Copy, where: Evidence, change: Callable[[Any], Any]) -> None:
    """Change the value, or the line, that a piece of evidence points at."""
    path = copy.folder / where.source
    if where.line is not None:
        lines = path.read_text(errors="replace").split("\n")
        lines[where.line - 1] = change(lines[where.line - 1])
        path.write_text("\n".join(lines))
        return
    assert where.pointer is not None
    document = json.loads(path.read_text())
    parent, _, last = where.pointer.rpartition("/")
    holder = resolve_pointer(document, parent)
    key = int(last) if isinstance(holder, list) else last.replace("~1", "/").replace("~0", "~")
    holder[key] = change(holder[key])
    path.write_text(json.dumps(document))


def one_piece(copy: Copy, ruled: RuledOut) -> Evidence | None:
    """A piece of evidence of which another value alone brings the cause back; None for none."""
    for piece in ruled.evidence:
        path = copy.folder / piece.source
        before = path.read_bytes()
        put(copy, piece, other)
        if ruled.id not in ruled_ids(copy):
            return piece
        path.write_bytes(before)
    return None


def ruled_ids(copy: Copy) -> set[str]:
    """Ids of what the copy rules out."""
    return {item.id for item in copy.answer().ruled_out}


def newest_refusal(said: str) -> Flip:
    """Let the API server give another reason in the newest refusal, which is shown first."""

    def flip(copy: Copy, ruled: RuledOut) -> None:
        put(copy, ruled.evidence[0], lambda _: f"Error creating: {said}")

    return flip


def control_plane_gone(copy: Copy, ruled: RuledOut) -> None:
    """Take away the istiods that are shown, their Services, and what was read of them."""
    names = {item.excerpt for item in ruled.evidence}
    for plural in ("deployments", "pods", "services"):
        with copy.items(plural) as items:
            items[:] = [i for i in items if i["metadata"].get("labels", {}).get("app") not in names]
    shutil.rmtree(copy.folder / "istiod")


def answered(said: str) -> Flip:
    """Let the newest lines that are shown end otherwise: status, flags and details."""

    def change(line: str) -> str:
        found, count = _ANSWER.subn(f" {said} ", line, count=1)
        assert count == 1, line
        return found

    def flip(copy: Copy, ruled: RuledOut) -> None:
        lines = [piece for piece in ruled.evidence if piece.line is not None]
        assert lines
        for piece in lines:
            put(copy, piece, change)

    return flip


def at_evidence(ending: str, change: Callable[[Any], Any]) -> Flip:
    """Change the pieces whose pointer ends so."""

    def flip(copy: Copy, ruled: RuledOut) -> None:
        pieces = [piece for piece in ruled.evidence if (piece.pointer or "").endswith(ending)]
        assert pieces, [piece.pointer for piece in ruled.evidence]
        for piece in pieces:
            put(copy, piece, change)

    return flip


def added(plural: str, **item: Any) -> Flip:
    """Put an object beside those of a kind."""

    def flip(copy: Copy, _ruled: RuledOut) -> None:
        with copy.items(plural) as items:
            items.append(item)

    return flip


def beside(plural: str, name: str, namespace: str, *path: str, **values: Any) -> Flip:
    """Set values within one object."""

    def flip(copy: Copy, _ruled: RuledOut) -> None:
        with copy.items(plural) as items:
            for item in items:
                metadata = item["metadata"]
                if (metadata["name"], metadata.get("namespace", "")) == (name, namespace):
                    holder = item
                    for part in path:
                        holder = holder.setdefault(part, {})
                    holder.update(values)
                    return
        raise AssertionError(name)

    return flip


def host_ejected(copy: Copy, ruled: RuledOut) -> None:
    """Let a caller's proxy mark each host that is shown as ejected."""
    for piece in ruled.evidence:
        assert (piece.pointer or "").endswith("/health_status/eds_health_status")
        path = copy.folder / piece.source
        document = json.loads(path.read_text())
        holder = resolve_pointer(document, str(piece.pointer).rpartition("/")[0])
        holder["failed_outlier_check"] = True
        path.write_text(json.dumps(document))


def container_killed(copy: Copy, ruled: RuledOut) -> None:
    """Let each container that is shown have been killed for memory."""
    for piece in ruled.evidence:
        path = copy.folder / piece.source
        document = json.loads(path.read_text())
        status = resolve_pointer(document, str(piece.pointer).rpartition("/")[0])
        finished = json.loads((copy.folder / "recording.json").read_text())["captured_at"]
        ended = {"reason": "OOMKilled", "exitCode": 137, "finishedAt": finished}
        status.update(restartCount=3, lastState={"terminated": ended})
        path.write_text(json.dumps(document))


def configuration_refused(copy: Copy, ruled: RuledOut) -> None:
    """Let the proxy that is shown refuse what istiod sent it last."""
    piece = ruled.evidence[0]
    path = copy.folder / piece.source
    document = json.loads(path.read_text())
    entry = resolve_pointer(document, str(piece.pointer).rpartition("/")[0])
    for sent in entry["resources"].values():
        sent["lastError"] = (
            "Error adding/updating listener(s) 0.0.0.0_80: Didn't find a registered implementation "
            "for 'no.such.filter' with type URL: ''"
        )
    path.write_text(json.dumps(document))


def connection_gone(copy: Copy, ruled: RuledOut) -> None:
    """Take the proxy that is shown out of what istiod knows."""
    piece = next(item for item in ruled.evidence if (item.pointer or "").endswith("/proxy"))
    path = copy.folder / piece.source
    document = json.loads(path.read_text())
    del document[int(str(piece.pointer).split("/")[1])]
    path.write_text(json.dumps(document))


def other_root(root: bytes) -> Flip:
    """Let the proxy that is shown trust another root."""

    def flip(copy: Copy, ruled: RuledOut) -> None:
        piece = next(item for item in ruled.evidence if item.excerpt == "ROOTCA")
        path = copy.folder / piece.source
        document = json.loads(path.read_text())
        secret = resolve_pointer(document, str(piece.pointer).rpartition("/")[0])
        trusted = secret["secret"]["validation_context"]["trusted_ca"]
        trusted["inline_bytes"] = base64.b64encode(root).decode()
        path.write_text(json.dumps(document))

    return flip


def both(*flips: Flip) -> Flip:
    """One flip after the other."""

    def flip(copy: Copy, ruled: RuledOut) -> None:
        for item in flips:
            item(copy, ruled)

    return flip

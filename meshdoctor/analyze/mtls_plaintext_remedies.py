"""Words and commands for clients without a proxy that STRICT servers turn away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.analyze.injection_facts import listed
from meshdoctor.analyze.mtls_remedies import joining, peer_mode_change

if TYPE_CHECKING:
    from meshdoctor.analyze.mtls_plaintext_cases import Case, Group
    from meshdoctor.model.snapshot import Snapshot


def remedies(mesh: Snapshot, group: Group) -> dict[str, str]:
    """Fills for the cause's words and its two fixes, that of the object to be edited first first.

    Args:
        mesh: the snapshot.
        group: everybody whom one policy turns away.
    """
    names = tuple(map(str, group.clients))
    spaces = sorted({client.namespace for client in group.clients})
    alone = len(names) == 1
    join, leave = joining(mesh, group.pods)
    peers = {case.policy: case.peer for case in group.cases}.values()
    changes = [peer_mode_change(peer, "PERMISSIVE") for peer in peers]
    policies = listed(tuple(map(str, group.policies)))
    enter = {
        "do": "Bring the client into the mesh, so that its calls carry mutual TLS."
        if alone
        else "Then bring the clients into the mesh, and make the policy STRICT again.",
        "command": join,
        "changes": f"The labels of namespace {', '.join(spaces)}: all new pods there get a "
        f"sidecar, but for those that opt out; {listed(names)} {_verb(alone, 'restart')}.",
        "undo": leave,
    }
    loosen = {
        "do": "Or, while the client cannot be injected, let its servers take plaintext too."
        if alone
        else "Let the servers take plaintext too until all of their clients are in the mesh.",
        "command": " && ".join(forth for forth, _ in changes),
        "changes": f"{policies}: every workload that is governed so then takes plaintext from "
        "anyone.",
        "undo": " && ".join(back for _, back in changes),
    }
    first, second = (enter, loosen) if alone else (loosen, enter)
    return {
        "claim": f"{names[0]} has no proxy, but calls"
        if alone
        else f"{len(names)} workloads have no proxy, but call",
        "who": f"{listed(names)} {_verb(alone, 'ha', 's', 've')} no sidecar and so "
        f"{_verb(alone, 'call')}",
        "policy": policies,
        "server": listed(_servers(mesh, group.cases)),
        "check_pods": " && ".join(f"kubectl get pods -n {space}" for space in spaces),
        **{f"first_{key}": text for key, text in first.items()},
        **{f"second_{key}": text for key, text in second.items()},
    }


def _verb(singular: bool, stem: str, one: str = "s", many: str = "") -> str:
    return stem + (one if singular else many)


def _servers(mesh: Snapshot, cases: tuple[Case, ...]) -> tuple[str, ...]:
    """The workloads that turn them away."""
    pods = [case.server.pod for case in cases]
    return tuple(dict.fromkeys(str(mesh.workloads.owning(pod)) for pod in pods))

"""What a shell offers after Tab: names out of files that are there. No cluster is asked."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from click.shell_completion import CompletionItem

from meshdoctor.model.kinds import DEPLOYMENT, NAMESPACE
from meshdoctor.model.source_error import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import click

    from meshdoctor.model.snapshot import Snapshot

    Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def _offering(names: Callable[[click.Context], Iterable[tuple[str, str]]]) -> Completer:
    """Offer names, with what each is, that begin as the word does; nothing where that fails."""

    def complete(
        context: click.Context, parameter: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        del parameter
        with suppress(SourceError, OSError, ValueError):
            return [
                CompletionItem(name, help=what or None)
                for name, what in names(context)
                if name.startswith(incomplete)
            ]
        return []

    return complete


def _snapshot(context: click.Context) -> Snapshot | None:
    """The recording that the line names so far; None without one."""
    named = [context.params.get("recording"), context.params.get("recording_option")]
    # An option that still lacks its value makes click leave the arguments where they are.
    given = next((one for one in (*named, *context.args) if one and Path(one).exists()), None)
    if given is None:
        return None
    from meshdoctor.session import RecordingSource, Session

    return Session(RecordingSource(Path(given))).snapshot()


def _namespaces(context: click.Context) -> Iterator[tuple[str, str]]:
    mesh = _snapshot(context)
    for namespace in mesh.catalog.of(NAMESPACE) if mesh is not None else ():
        yield namespace.name, ""


def _workloads(context: click.Context) -> Iterator[tuple[str, str]]:
    mesh = _snapshot(context)
    found: dict[str, str] = {}
    for pod in mesh.proxy_pods if mesh is not None else ():
        kind, _, name = str(mesh.workloads.owning(pod)).partition(" ") if mesh else ("", "", "")
        if kind == DEPLOYMENT.name:
            found.setdefault(f"deploy/{name.rpartition('/')[2]}", f"in {pod.namespace}")
        found[f"{pod.name}.{pod.namespace}"] = "pod"
    yield from sorted(found.items())


def _hosts(context: click.Context) -> Iterator[tuple[str, str]]:
    mesh = _snapshot(context)
    for service in mesh.registry.hosts if mesh is not None else ():
        for port in service.ports:
            yield f"{service.host}:{port.number}", port.name


def _contexts(context: click.Context) -> Iterator[tuple[str, str]]:
    from meshdoctor.collect.kubeconfig import read_kubeconfig

    config = read_kubeconfig(context.params.get("kubeconfig"))
    for name in config.entries["contexts"] if config is not None else ():
        yield name, "current" if config and name == config.current_context else ""


def _symptoms(context: click.Context) -> Iterator[tuple[str, str]]:
    del context
    from meshdoctor.diagnose.library import playbooks

    for playbook in playbooks():
        yield playbook.id, playbook.title


def _drills(context: click.Context) -> Iterator[tuple[str, str]]:
    from meshdoctor.drill.library import drills

    for drill in drills(context.params.get("drills")):
        yield drill.id, drill.domain


def _causes(context: click.Context) -> Iterator[tuple[str, str]]:
    del context
    from meshdoctor.diagnose.library import causes

    for cause in sorted(causes()):
        yield cause, ""


namespaces = _offering(_namespaces)
workloads = _offering(_workloads)
hosts = _offering(_hosts)
contexts = _offering(_contexts)
symptoms = _offering(_symptoms)
drills = _offering(_drills)
causes = _offering(_causes)

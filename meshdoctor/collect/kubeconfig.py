"""Kubeconfig files, found and merged as kubectl does (client-go: tools/clientcmd/loader.go).

The ``kubernetes`` package merges them too, but lets the last file's current-context win, where
kubectl takes the first, and costs 0.2 s to import: docs/adr/0008 lists where it differs.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meshdoctor.collect.access_error import AccessError
from meshdoctor.collect.kubeconfig_entries import (
    Cluster,
    Entry,
    User,
    read_cluster,
    read_user,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_KINDS = ("clusters", "contexts", "users")
_MOST = 16 * 1024 * 1024
"""Bytes of one kubeconfig at most: a file of a thousand clusters has about three million."""


@dataclass(frozen=True, slots=True)
class Context:
    """A context with its cluster and user."""

    name: str
    namespace: str
    cluster: Cluster
    user: User


@dataclass(frozen=True, slots=True)
class Kubeconfig:
    """Several files as one: of two entries with one name the first counts."""

    current_context: str
    entries: Mapping[str, Mapping[str, tuple[Any, Path]]]
    """Kind (``clusters``, ``contexts``, ``users``), name, and the entry with its file."""
    files: tuple[Path, ...]

    def context(self, name: str | None = None) -> Context:
        """A context by its name, the current one without.

        Raises:
            AccessError: it, its cluster or its user is missing or malformed.
        """
        chosen = self.context_name(name)
        entry = self._entry("contexts", "context", chosen)
        cluster, user = entry.text("cluster"), entry.text("user")
        if not cluster:
            raise AccessError(f'context "{chosen}" names no cluster; mend {self._where}')
        found = read_cluster(cluster, self._entry("clusters", "cluster", cluster, chosen))
        if not found.server:
            raise AccessError(f'cluster "{cluster}" names no server; mend {self._where}')
        who = read_user(user, self._entry("users", "user", user, chosen)) if user else User()
        return Context(chosen, entry.text("namespace") or "default", found, who)

    def context_name(self, name: str | None = None) -> str:
        """The context that is meant.

        Raises:
            AccessError: none is current, or there is no such context.
        """
        contexts = self.entries["contexts"]
        chosen = name or self.current_context
        if not chosen and not contexts:
            raise AccessError(f"no current context in {self._where}, and none to choose: write one")
        if not chosen:
            raise AccessError(
                f"no current context in {self._where}; choose one of {_names(contexts)} "
                "with --context, or run kubectl config use-context"
            )
        if chosen not in contexts:
            raise AccessError(
                f'no context "{chosen}" in {self._where}; there are: {_names(contexts)}'
            )
        return chosen

    @property
    def _where(self) -> str:
        return ", ".join(str(file) for file in self.files)

    def _entry(self, kind: str, key: str, name: str, context: str = "") -> Entry:
        found = self.entries[kind].get(name)
        if found is None:
            raise AccessError(
                f'context "{context}" names {key} "{name}", which is not in {self._where}; '
                "mend the kubeconfig, or choose another context with --context"
            )
        value, file = found
        return Entry(f'{key} "{name}" in {file}', value.get(key), file.parent)


def _names(entries: Mapping[str, Any]) -> str:
    names = sorted(entries)
    return ", ".join(names[:10]) + (", …" if len(names) > 10 else "") if names else "none"


def kubeconfig_files(given: str | None = None) -> tuple[Path, ...]:
    """The files that kubectl would read, whether or not they exist.

    Args:
        given: ``--kubeconfig``: one file, or several joined as in KUBECONFIG.
    """
    listed = given or os.environ.get("KUBECONFIG") or ""
    names = dict.fromkeys(name for name in listed.split(os.pathsep) if name)
    if not names:
        return (Path.home() / ".kube" / "config",)
    return tuple(Path(name).expanduser().absolute() for name in names)


def read_kubeconfig(given: str | None = None) -> Kubeconfig | None:
    """Read and merge the files.

    Args:
        given: ``--kubeconfig``; every file it names must exist.

    Returns:
        None when no file exists.

    Raises:
        AccessError: a file cannot be read, or is no kubeconfig.
    """
    files = kubeconfig_files(given)
    documents = [(file, _read(file, is_needed=bool(given))) for file in files]
    found = [(file, document) for file, document in documents if document is not None]
    return _merge(found) if found else None


def _read(file: Path, *, is_needed: bool) -> dict[str, Any] | None:
    try:
        with file.open("rb") as stream:
            data = stream.read(_MOST + 1)
    except FileNotFoundError:
        if is_needed:
            raise AccessError(f"there is no kubeconfig {file}; check --kubeconfig") from None
        return None
    except OSError as error:
        raise AccessError(f"cannot read the kubeconfig {file}: {error.strerror}") from None
    if len(data) > _MOST:
        raise AccessError(f"{file} is larger than {_MOST // 2**20} MiB: it is no kubeconfig")
    document = _parse(file, data)
    if not isinstance(document, dict):
        raise AccessError(f"{file} is no kubeconfig: it holds no mapping")
    return document


def _parse(file: Path, data: bytes) -> Any:
    import yaml

    class Loader(yaml.CSafeLoader):
        """Leaves scalars as they are written, for a name may look like a number or a yes."""

    Loader.yaml_implicit_resolvers = {
        first: [(tag, regexp) for tag, regexp in resolvers if tag.endswith(":null")]
        for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }
    try:
        return yaml.load(data, Loader=Loader) or {}
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f" in line {mark.line + 1}" if mark else ""
        raise AccessError(f"{file} is not YAML: {error.problem}{line}; mend it") from None
    except (yaml.YAMLError, RecursionError, ValueError):
        raise AccessError(f"{file} is not YAML; mend it") from None


def _merge(documents: Sequence[tuple[Path, dict[str, Any]]]) -> Kubeconfig:
    entries: dict[str, dict[str, tuple[Any, Path]]] = {kind: {} for kind in _KINDS}
    current = ""
    for file, document in documents:
        current = current or str(document.get("current-context") or "")
        for kind in _KINDS:
            value = document.get(kind) or []
            if not isinstance(value, list):
                raise AccessError(f"{kind} in {file} is not a list; mend the kubeconfig")
            for item in value:
                if isinstance(item, dict) and item.get("name"):
                    entries[kind].setdefault(str(item["name"]), (item, file))
    return Kubeconfig(current, entries, tuple(file for file, _ in documents))

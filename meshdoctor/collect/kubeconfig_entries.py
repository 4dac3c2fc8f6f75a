"""The entries of a kubeconfig that meshdoctor reads (client-go: tools/clientcmd/api/v1)."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meshdoctor.collect.access_error import AccessError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Pem:
    """A certificate or a key: its text, or the file that holds it."""

    data: bytes | None = field(default=None, repr=False)
    file: Path | None = None

    def __bool__(self) -> bool:
        """Whether there is one."""
        return self.data is not None or self.file is not None

    def read(self, what: str) -> bytes:
        """Its text.

        Raises:
            AccessError: the file cannot be read.
        """
        if self.data is not None:
            return self.data
        if self.file is None:
            return b""
        try:
            return self.file.read_bytes()
        except OSError as error:
            raise AccessError(f"cannot read the {what} {self.file}: {error.strerror}") from None


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where the API server is, and how it proves who it is."""

    name: str
    server: str
    ca: Pem = Pem()
    tls_server_name: str = ""
    insecure: bool = False
    """``insecure-skip-tls-verify``."""
    proxy_url: str = field(default="", repr=False)
    """May hold a password."""
    exec_config: Any = None
    """What ``provideClusterInfo`` hands to an exec plugin as ``config``."""


@dataclass(frozen=True, slots=True)
class ExecPlugin:
    """A program that prints credentials (client.authentication.k8s.io)."""

    command: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    api_version: str
    install_hint: str
    provides_cluster: bool
    interactive_mode: str
    """``Never``, ``IfAvailable`` or ``Always``."""


@dataclass(frozen=True, slots=True)
class Impersonation:
    """As whom a request is made."""

    user: str = ""
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class User:
    """How one proves who one is."""

    name: str = ""
    certificate: Pem = Pem()
    key: Pem = Pem()
    token: str = ""
    token_file: Path | None = None
    username: str = ""
    password: str = ""
    plugin: ExecPlugin | None = None
    auth_provider: Mapping[str, Any] | None = None
    impersonation: Impersonation = Impersonation()

    def __repr__(self) -> str:
        """Only the name: the rest is secret."""
        return f"User({self.name!r})"


class Entry:
    """One mapping of a kubeconfig, asked key by key."""

    def __init__(self, where: str, value: Any, folder: Path) -> None:
        """Wrap a mapping.

        Args:
            where: how to name it in an error.
            value: what the file holds there.
            folder: of the file, which relative paths begin at.

        Raises:
            AccessError: it is not a mapping.
        """
        if value is not None and not isinstance(value, dict):
            raise AccessError(f"{where} is not a mapping; mend the kubeconfig")
        self.where = where
        self.folder = folder
        self._value: dict[str, Any] = value or {}

    def get(self, key: str) -> Any:
        """What is there, of any type."""
        return self._value.get(key)

    def text(self, key: str) -> str:
        """A string; empty when there is none."""
        value = self._value.get(key)
        if value is None:
            return ""
        if isinstance(value, dict | list):
            raise AccessError(f"{key} of {self.where} is not a string; mend the kubeconfig")
        return str(value)

    def flag(self, key: str) -> bool:
        """A boolean."""
        return self.text(key).lower() == "true"

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings."""
        value = self._value.get(key) or []
        if not isinstance(value, list):
            raise AccessError(f"{key} of {self.where} is not a list; mend the kubeconfig")
        return tuple(str(item) for item in value)

    def path(self, key: str) -> Path | None:
        """A file; relative to the kubeconfig that names it, as kubectl has it."""
        value = self.text(key)
        return self.folder / Path(value).expanduser() if value else None

    def pem(self, key: str) -> Pem:
        """A certificate or key: the data wins over the file, as in client-go."""
        data = self.text(f"{key}-data")
        if not data:
            return Pem(file=self.path(key))
        try:
            return Pem(data=base64.b64decode("".join(data.split()), validate=True))
        except (binascii.Error, ValueError):
            message = f"{key}-data of {self.where} is not base64; mend the kubeconfig"
            raise AccessError(message) from None


def read_cluster(name: str, entry: Entry) -> Cluster:
    """A cluster.

    Raises:
        AccessError: it is incomplete or malformed.
    """
    ca, insecure = entry.pem("certificate-authority"), entry.flag("insecure-skip-tls-verify")
    if ca and insecure:
        raise AccessError(
            f"{entry.where} has a certificate authority and insecure-skip-tls-verify; "
            "kubectl refuses that too: remove one of them"
        )
    extensions = entry.get("extensions")
    config = next(
        (
            item.get("extension")
            for item in (extensions if isinstance(extensions, list) else ())
            if isinstance(item, dict) and item.get("name") == "client.authentication.k8s.io/exec"
        ),
        None,
    )
    return Cluster(
        name=name,
        server=entry.text("server"),
        ca=ca,
        tls_server_name=entry.text("tls-server-name"),
        insecure=insecure,
        proxy_url=entry.text("proxy-url"),
        exec_config=config,
    )


def _plugin(entry: Entry) -> ExecPlugin:
    command = entry.text("command")
    if not command:
        raise AccessError(f"{entry.where} names no command; mend the kubeconfig")
    if "/" in command:
        command = str(entry.folder / Path(command).expanduser())
    pairs = [Entry(f"env of {entry.where}", item, entry.folder) for item in _list(entry, "env")]
    return ExecPlugin(
        command=command,
        arguments=entry.texts("args"),
        environment={pair.text("name"): pair.text("value") for pair in pairs},
        api_version=entry.text("apiVersion"),
        install_hint=" ".join(entry.text("installHint").split()),
        provides_cluster=entry.flag("provideClusterInfo"),
        interactive_mode=entry.text("interactiveMode") or "IfAvailable",
    )


def _list(entry: Entry, key: str) -> list[Any]:
    value = entry.get(key)
    return value if isinstance(value, list) else []


def _impersonation(entry: Entry) -> Impersonation:
    extra = entry.get("as-user-extra")
    pairs = Entry(f"as-user-extra of {entry.where}", extra, entry.folder)
    return Impersonation(
        user=entry.text("as"),
        uid=entry.text("as-uid"),
        groups=entry.texts("as-groups"),
        extra=tuple((str(key), pairs.texts(key)) for key in (extra or {})),
    )


def read_user(name: str, entry: Entry) -> User:
    """A user.

    Raises:
        AccessError: it is malformed.
    """
    exec_value, provider = entry.get("exec"), entry.get("auth-provider")
    plugin = None
    if exec_value is not None:
        plugin = _plugin(Entry(f"exec of {entry.where}", exec_value, entry.folder))
    return User(
        name=name,
        certificate=entry.pem("client-certificate"),
        key=entry.pem("client-key"),
        token=entry.text("token"),
        token_file=entry.path("tokenFile"),
        username=entry.text("username"),
        password=entry.text("password"),
        plugin=plugin,
        auth_provider=provider if isinstance(provider, dict) else None,
        impersonation=_impersonation(entry),
    )

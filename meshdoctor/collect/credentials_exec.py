"""Credentials that a program prints (client-go: plugin/pkg/client/auth/exec)."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING, Any

import msgspec

from meshdoctor.collect.access_error import AccessError
from meshdoctor.collect.credentials import Login, bearer
from meshdoctor.collect.credentials_plugin import run_plugin

if TYPE_CHECKING:
    from meshdoctor.collect.credentials_plugin import Terminal
    from meshdoctor.collect.kubeconfig_entries import Cluster, ExecPlugin

_VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
_EARLY = timedelta(seconds=10)
"""How long before its end a login is renewed."""
_AGAIN = 10.0
"""Seconds in which a plugin is not run twice because of refusals."""
_MODES = ("Never", "IfAvailable", "Always")


@dataclass(frozen=True, slots=True)
class _Answer:
    login: Login
    expires: datetime | None


class ExecCredentials:
    """Runs the plugin when there is no login, when it expires, and when it was refused."""

    def __init__(self, plugin: ExecPlugin, cluster: Cluster, terminal: Terminal | None) -> None:
        """Nothing is run yet.

        Args:
            plugin: the program.
            cluster: it may be told of.
            terminal: where a person sits; None when nobody does, or it is in use.

        Raises:
            AccessError: this plugin cannot be run at all.
        """
        if plugin.api_version not in _VERSIONS:
            raise AccessError(
                f'the credential plugin "{plugin.command}" speaks '
                f"{plugin.api_version or 'no named version'}, which kubectl no longer reads; "
                f"update it and set apiVersion to {_VERSIONS[0]}"
            )
        if plugin.interactive_mode not in _MODES:
            raise AccessError(
                f'interactiveMode "{plugin.interactive_mode}" of the credential plugin '
                f'"{plugin.command}" is none of {", ".join(_MODES)}; mend the kubeconfig'
            )
        if plugin.interactive_mode == "Always" and terminal is None:
            raise AccessError(
                f'the credential plugin "{plugin.command}" wants to ask you something and there '
                "is no terminal for it; log in with kubectl first, then try again"
            )
        self._plugin = plugin
        self._cluster = cluster
        self._terminal = None if plugin.interactive_mode == "Never" else terminal
        self._answer: _Answer | None = None
        self._ran = 0.0
        self._lock = asyncio.Lock()

    async def current(self) -> Login:
        """The plugin's login, run again when it has expired.

        Raises:
            AccessError: the plugin is missing, failed, or printed no credentials.
        """
        async with self._lock:
            if self._answer is None or self._is_due(self._answer):
                return await self._run()
            return self._answer.login

    async def renewed(self, refused: Login) -> Login | None:
        """Another login, unless the refused one is brand-new.

        Raises:
            AccessError: the plugin failed.
        """
        async with self._lock:
            if self._answer is not None and self._answer.login != refused:
                return self._answer.login
            if monotonic() - self._ran < _AGAIN and self._answer is not None:
                return None
            login = await self._run()
            return None if login == refused else login

    def _is_due(self, answer: _Answer) -> bool:
        if answer.expires is None or monotonic() - self._ran < _AGAIN:
            return False
        return datetime.now(UTC) >= answer.expires - _EARLY

    async def _run(self) -> Login:
        info = _info(self._plugin, self._cluster, interactive=self._terminal is not None)
        printed = await run_plugin(self._plugin, info, self._terminal)
        self._answer = _read(self._plugin, printed)
        self._ran = monotonic()
        return self._answer.login


def _info(plugin: ExecPlugin, cluster: Cluster, *, interactive: bool) -> str:
    """``KUBERNETES_EXEC_INFO``: what the plugin is told."""
    spec: dict[str, Any] = {"interactive": interactive}
    if plugin.provides_cluster:
        told: dict[str, Any] = {"server": cluster.server}
        if cluster.tls_server_name:
            told["tls-server-name"] = cluster.tls_server_name
        if cluster.insecure:
            told["insecure-skip-tls-verify"] = True
        if cluster.ca:
            ca = cluster.ca.read("certificate authority")
            told["certificate-authority-data"] = base64.b64encode(ca).decode()
        if cluster.proxy_url:
            told["proxy-url"] = cluster.proxy_url
        if cluster.exec_config is not None:
            told["config"] = cluster.exec_config
        spec["cluster"] = told
    info = {"kind": "ExecCredential", "apiVersion": plugin.api_version, "spec": spec}
    return msgspec.json.encode(info).decode()


def _read(plugin: ExecPlugin, printed: bytes) -> _Answer:
    name = f'the credential plugin "{plugin.command}"'
    try:
        document = msgspec.json.decode(printed)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise AccessError(f"{name} printed no JSON; run it yourself to see what ails it") from None
    status = document.get("status") if isinstance(document, dict) else None
    if not isinstance(status, dict) or document.get("kind") != "ExecCredential":
        raise AccessError(f"{name} printed no ExecCredential with a status")
    version = document.get("apiVersion")
    if version != plugin.api_version:
        raise AccessError(
            f"{name} answered in {version} and the kubeconfig asks for {plugin.api_version}; "
            "make them the same"
        )
    token = str(status.get("token") or "")
    certificate = str(status.get("clientCertificateData") or "").encode()
    key = str(status.get("clientKeyData") or "").encode()
    if bool(certificate) != bool(key):
        raise AccessError(f"{name} printed only half of a certificate and its key")
    if not token and not certificate:
        raise AccessError(f"{name} printed neither a token nor a certificate")
    header = bearer(token, f"what {name} printed") if token else ""
    return _Answer(Login(header, certificate, key), _expiry(status.get("expirationTimestamp")))


def _expiry(value: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)

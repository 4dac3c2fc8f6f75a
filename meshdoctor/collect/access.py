"""Access to a cluster as kubectl has it: where it is, how to trust it, who one is.

Mirrors client-go (tools/clientcmd/client_config.go, rest/transport.go): a token, password or
certificate wins over an exec plugin, a token file over a token, and credentials are only sent over
TLS.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote, urlsplit

from meshdoctor.collect.access_error import AccessError
from meshdoctor.collect.access_in_cluster import IN_CLUSTER, in_cluster, is_in_cluster
from meshdoctor.collect.kubeconfig import Context, kubeconfig_files, read_kubeconfig

if TYPE_CHECKING:
    from collections.abc import Mapping
    from ssl import SSLContext
    from typing import Any

    from meshdoctor.collect.credentials import Credentials, Login
    from meshdoctor.collect.credentials_plugin import Terminal
    from meshdoctor.collect.kubeconfig_entries import Cluster, Impersonation, User

Headers = tuple[tuple[str, str], ...]
_HEADER_SAFE = "!#$&'*+-.^_`|~"
"""Characters that a header's name may hold besides letters and digits, but for the percent."""


class AccessOptions(Protocol):
    """Which cluster, and as whom: kubectl's own flags."""

    @property
    def kubeconfig(self) -> str | None:
        """A path, or several joined as in KUBECONFIG; None for what kubectl would take."""

    @property
    def context(self) -> str | None:
        """Name of a context; None for the current one."""

    @property
    def as_user(self) -> str | None:
        """As whom (``--as``)."""

    @property
    def as_groups(self) -> tuple[str, ...]:
        """As member of which groups (``--as-group``)."""

    @property
    def as_uid(self) -> str | None:
        """With which uid (``--as-uid``)."""


@dataclass(slots=True)
class Access:
    """One cluster, and how to be let in."""

    context: str
    """The context's name, or ``in-cluster``."""
    server: str
    """URL without a slash at its end; it may have a path."""
    namespace: str
    """The context's namespace."""
    cluster: Cluster
    user: User
    credentials: Credentials = field(repr=False)
    proxy: str | None = field(default=None, repr=False)
    """URL of the HTTP proxy to go through, which may hold a password."""
    impersonation: Headers = ()
    _tls: tuple[Login, SSLContext] | None = field(default=None, repr=False)

    @property
    def is_secure(self) -> bool:
        """Whether the server is reached over TLS."""
        return self.server.startswith("https:")

    @property
    def tls_server_name(self) -> str | None:
        """The name that the server's certificate must hold, when it is not the host's."""
        return self.cluster.tls_server_name or None

    def headers(self, login: Login) -> Headers:
        """The headers that say who one is."""
        own = (("Authorization", login.authorization),) if login.authorization else ()
        return own + self.impersonation

    def tls(self, login: Login) -> SSLContext | None:
        """The context for connections with a login; the same one as long as it does not change.

        Raises:
            AccessError: a certificate or key is unusable.
        """
        from meshdoctor.collect.tls import tls_context

        if not self.is_secure:
            return None
        shown = replace(login, authorization="")
        if self._tls is None or self._tls[0] != shown:
            self._tls = (shown, tls_context(self.cluster, shown))
        return self._tls[1]


def context_name(options: AccessOptions) -> str:
    """The name of the context that would be used; the cluster itself is not asked.

    Raises:
        AccessError: there is no kubeconfig, or no such context.
    """
    return _context(options).name


async def open_access(options: AccessOptions, terminal: Terminal | None = None) -> Access:
    """Find out how to reach a cluster, and log in; the API server is not asked yet.

    Args:
        options: which cluster, and as whom.
        terminal: shows a credential plugin's words to a person who sits at a terminal that is
            free; None when plugins must not ask.

    Raises:
        AccessError: what is wrong, and what to do.
    """
    from meshdoctor.collect.access_proxy import proxy_of

    context = _context(options)
    server = _server(context.cluster)
    cluster = replace(context.cluster, server=server)
    access = Access(
        context=context.name,
        server=server,
        namespace=context.namespace,
        cluster=cluster,
        user=context.user,
        credentials=_credentials(options, context.user, cluster, terminal),
        proxy=proxy_of(server, cluster.proxy_url),
        impersonation=_impersonation(context.user.impersonation, options),
    )
    access.tls(await access.credentials.current())
    return access


def _context(options: AccessOptions) -> Context:
    found = read_kubeconfig(options.kubeconfig)
    if found is not None:
        return found.context(options.context)
    if is_in_cluster() and not options.context:
        return in_cluster()
    files = ", ".join(str(file) for file in kubeconfig_files(options.kubeconfig))
    raise AccessError(
        f"no kubeconfig: {files} does not exist; name one with --kubeconfig or KUBECONFIG"
    )


def _server(cluster: Cluster) -> str:
    server = cluster.server
    if "://" not in server:
        # As client-go guesses it: TLS when something speaks of it.
        server = f"{'https' if cluster.ca or cluster.insecure else 'http'}://{server}"
    server = server.rstrip("/")
    try:
        parts = urlsplit(server)
        is_good = bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    plain = server.isascii() and server.isprintable() and " " not in server
    if not is_good or not plain or parts.scheme not in ("http", "https"):
        raise AccessError(
            f'server "{server}" of cluster "{cluster.name}" is no http or https URL; '
            "mend the kubeconfig"
        )
    if parts.query or parts.fragment or parts.username is not None:
        raise AccessError(
            f'server of cluster "{cluster.name}" holds more than a host, port and path; '
            "mend the kubeconfig"
        )
    return server


def _credentials(
    options: AccessOptions, user: User, cluster: Cluster, terminal: Terminal | None
) -> Credentials:
    from meshdoctor.collect.credentials import (
        FixedCredentials,
        Login,
        TokenFileCredentials,
        fixed_login,
    )

    if not cluster.server.startswith("https:"):
        return FixedCredentials(Login())
    if user.token_file is not None:
        shown = fixed_login(replace(user, token="", username=""))
        return TokenFileCredentials(user.token_file, shown.certificate, shown.key)
    login = fixed_login(user)
    if login != Login():
        return FixedCredentials(login)
    if user.auth_provider is not None:
        return _provider(options, user, user.auth_provider)
    if user.plugin is not None:
        from meshdoctor.collect.credentials_exec import ExecCredentials

        return ExecCredentials(user.plugin, cluster, terminal)
    return FixedCredentials(login)


def _provider(options: AccessOptions, user: User, provider: Mapping[str, Any]) -> Credentials:
    name = str(provider.get("name") or "")
    if name != "oidc":
        raise AccessError(
            f'user "{user.name}" logs in by the auth-provider "{name}", which kubectl no longer '
            "has; set up its exec plugin instead (gke-gcloud-auth-plugin, kubelogin, …)"
        )
    from meshdoctor.collect.credentials_oidc import OidcCredentials

    def reload() -> Mapping[str, Any]:
        return _config(_context(options).user.auth_provider or {})

    return OidcCredentials(user.name, _config(provider), reload)


def _config(provider: Mapping[str, Any]) -> Mapping[str, Any]:
    config = provider.get("config")
    return config if isinstance(config, dict) else {}


def _impersonation(written: Impersonation, options: AccessOptions) -> Headers:
    user = options.as_user or written.user
    groups = options.as_groups or written.groups
    uid = options.as_uid or written.uid
    if not user:
        if groups or uid or written.extra:
            raise AccessError(
                "groups, a uid or extras are to be impersonated but no user; add --as"
            )
        return ()
    headers = [("Impersonate-User", user)]
    headers += [("Impersonate-Group", group) for group in groups]
    headers += [("Impersonate-Uid", uid)] if uid else []
    for key, values in written.extra:
        name = f"Impersonate-Extra-{quote(key, safe=_HEADER_SAFE)}"
        headers += [(name, value) for value in values]
    for name, value in headers:
        if not value.isprintable():
            raise AccessError(f"what is to be sent as {name} holds a control character")
    return tuple(headers)


__all__ = ["IN_CLUSTER", "Access", "AccessOptions", "context_name", "open_access"]

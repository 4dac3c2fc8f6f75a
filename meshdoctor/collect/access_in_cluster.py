"""Access from a pod of the cluster itself, through its service account."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from meshdoctor.collect.access_error import AccessError
from meshdoctor.collect.kubeconfig import Context
from meshdoctor.collect.kubeconfig_entries import Cluster, Pem, User

IN_CLUSTER = "in-cluster"
"""Stands for the context's name."""


def is_in_cluster() -> bool:
    """Whether this process runs in a pod, as far as its environment tells."""
    return bool(os.environ.get("KUBERNETES_SERVICE_HOST"))


def in_cluster() -> Context:
    """The context of the pod's service account.

    Raises:
        AccessError: the service account's files are missing.
    """
    from kubernetes.aio.client import Configuration
    from kubernetes.aio.config import ConfigException, incluster_config

    token, ca = incluster_config.SERVICE_TOKEN_FILENAME, incluster_config.SERVICE_CERT_FILENAME
    found: Any = Configuration()
    loader: Any = incluster_config.InClusterConfigLoader
    try:
        loader(token, ca, try_refresh_token=False).load_and_set(found)
    except (ConfigException, OSError) as error:
        raise AccessError(
            f"no kubeconfig, and this pod's service account cannot be used: {error}; "
            "set automountServiceAccountToken, or name a kubeconfig with --kubeconfig"
        ) from None
    cluster = Cluster(IN_CLUSTER, found.host, Pem(file=Path(ca)))
    return Context(IN_CLUSTER, _namespace(Path(token)), cluster, User(token_file=Path(token)))


def _namespace(token: Path) -> str:
    try:
        return token.with_name("namespace").read_text(encoding="utf-8").strip() or "default"
    except (OSError, UnicodeDecodeError):
        return "default"

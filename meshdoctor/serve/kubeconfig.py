"""The kubeconfig by which clients find the server and prove who they are."""

from __future__ import annotations

import base64
import os
import re
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from pathlib import Path

USER = "meshdoctor"
_ODD = re.compile(r"[^A-Za-z0-9._-]+")


def context_name(recording: str) -> str:
    """What a recording's context is called: its file name without the ending.

    Args:
        recording: file or folder name.
    """
    for ending in (".tar.gz", ".tgz", ".tar"):
        recording = recording.removesuffix(ending)
    return _ODD.sub("-", recording).strip("-.") or "recording"


def kubeconfig(name: str, url: str, ca_pem: bytes, token: str) -> str:
    """Write a kubeconfig.

    Args:
        name: of the context and the cluster.
        url: the server's.
        ca_pem: the certificate to trust.
        token: the bearer token.
    """
    authority = base64.b64encode(ca_pem).decode()
    cluster = {"server": url, "certificate-authority-data": authority}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": USER, "user": {"token": token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": USER}}],
        "current-context": name,
    }
    return yaml.safe_dump(document, sort_keys=False)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, replacing what it held.

    Raises:
        OSError: it cannot be written, or is a symbolic link.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)
    with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(text)

"""Whether something says that an application listens on the loopback address only.

A refused connection to a port of the application's own has other reasons too (it hangs, it listens
on another address family); a setting that names localhost settles it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from meshdoctor.analyze.application_ports import PortSign, application_containers
from meshdoctor.model.kinds import SIDECAR
from meshdoctor.model.resource import as_list, as_mapping, as_strings
from meshdoctor.model.selector import matches_labels

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

LOCALHOST = re.compile(r"(?<![\w.])(?:127\.0\.0\.1|localhost|\[::1\]|::1)(?![\w.])")
"""The loopback address, as settings spell it."""
_VARIABLE = re.compile(
    r"(?:.*_)?(?:BIND|LISTEN)(?:_.*)?"
    r"|(?:(?:API|APP|FLASK|GRPC|HTTPS?|SERVER|SERVICE|UVICORN|WEB)_)?(?:HOST|ADDR|ADDRESS)"
    r"|(?:ASPNETCORE|DOTNET)_URLS"
)
"""Variables that say where to listen; ``DATABASE_HOST`` says whom to call."""
_OPTION = re.compile(r"--?(?:bind|listen|host|addr|address|b|urls)\b", re.IGNORECASE)
_PORT = re.compile(r":(\d{1,5})(?!\d)")


def _is_about(text: str, port: int) -> bool:
    """Whether a setting names the loopback address, for this port as far as it names one."""
    ports = _PORT.findall(text)
    return LOCALHOST.search(text) is not None and (not ports or str(port) in ports)


def _environment(pod: Resource, port: int) -> Iterator[PortSign]:
    for path, container in application_containers(pod):
        for index, value in enumerate(as_list(container.get("env"))):
            item = as_mapping(value)
            name, text = str(item.get("name") or ""), str(item.get("value") or "")
            if _VARIABLE.fullmatch(name.upper()) and _is_about(text, port):
                evidence = (pod.evidence(*path, "env", index, "value"),)
                said = f"its environment says {name}={text}"
                yield PortSign(True, said, evidence, name, text)


def _words(pod: Resource, port: int) -> Iterator[PortSign]:
    for path, container in application_containers(pod):
        for key in ("command", "args"):
            words = [str(word) for word in as_list(container.get(key))]
            for index, word in enumerate(words):
                before = words[index - 1] if index else ""
                option = _OPTION.match(word) or _OPTION.match(before)
                if option and _is_about(word, port):
                    evidence = (pod.evidence(*path, key, index),)
                    said = f"it is started with {before} {word}" if before else f"it runs {word}"
                    yield PortSign(True, said, evidence)


def _sidecar_ingress(mesh: Snapshot, pod: Resource, port: int) -> Iterator[PortSign]:
    """Sidecar objects that hand the pod's calls to localhost, because it listens there."""
    for item in mesh.catalog.within(SIDECAR, pod.namespace):
        labels = as_strings(item.get("spec", "workloadSelector", "labels"))
        if not matches_labels(labels, pod.labels):
            continue
        for index, value in enumerate(as_list(item.spec.get("ingress"))):
            endpoint = str(as_mapping(value).get("defaultEndpoint") or "")
            if endpoint and _is_about(endpoint, port):
                evidence = (item.evidence("spec", "ingress", index, "defaultEndpoint"),)
                yield PortSign(True, f"{item} hands its calls to {endpoint}", evidence)


def localhost_sign(mesh: Snapshot, pod: Resource, port: int) -> PortSign | None:
    """A setting by which the application listens on the loopback address only.

    Args:
        mesh: the snapshot.
        pod: the server.
        port: the target port that is refused.

    Returns:
        The first of its environment, its command line and Sidecar ingress; None for none.
    """
    for signs in (_environment(pod, port), _words(pod, port), _sidecar_ingress(mesh, pod, port)):
        for sign in signs:
            return sign
    return None

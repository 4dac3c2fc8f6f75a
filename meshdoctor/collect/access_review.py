"""Ask the API server what one may do (SelfSubjectAccessReview), before it is tried."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from meshdoctor.collect.api import ReadError
from meshdoctor.collect.rights import RIGHTS, Right, Use

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshdoctor.collect.api import KubeApi

PATH = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
IN_FLIGHT = 16
"""How many reviews are asked at once."""


@dataclass(frozen=True, slots=True)
class Review:
    """Whether one verb of one right is allowed."""

    right: Right
    verb: str
    namespace: str
    """Empty for the whole cluster."""
    allowed: bool | None
    """None when the API server could not say."""
    reason: str = ""
    """The API server's own words, or why it could not say."""

    @property
    def text(self) -> str:
        """``list pods``, ``get pods/log in shop``."""
        where = f" in {self.namespace}" if self.namespace else ""
        return f"{self.verb} {self.right.name}{where}"

    @property
    def command(self) -> str:
        """The kubectl command that asks the same."""
        scope = f"-n {self.namespace}" if self.namespace else "-A"
        return f"kubectl auth can-i {self.verb} {self.right.name} {scope}"


def _body(right: Right, verb: str, namespace: str) -> bytes:
    attributes = {"group": right.group, "resource": right.resource, "verb": verb}
    if right.subresource:
        attributes["subresource"] = right.subresource
    if namespace:
        attributes["namespace"] = namespace
    return msgspec.json.encode(
        {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
    )


def _status(body: bytes) -> dict[str, Any]:
    try:
        status = msgspec.json.decode(body, type=dict).get("status")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return status if isinstance(status, dict) else {}


async def _review(api: KubeApi, right: Right, verb: str, namespace: str) -> Review:
    try:
        answer = await api.review(PATH, _body(right, verb, namespace))
    except ReadError as error:
        return Review(right, verb, namespace, None, error.reason)
    status = _status(answer.body)
    allowed = status.get("allowed")
    if not isinstance(allowed, bool):
        return Review(right, verb, namespace, None, "the answer does not say whether it is allowed")
    why = status.get("reason") or status.get("evaluationError") or ""
    return Review(right, verb, namespace, allowed, " ".join(str(why).split()))


async def review_rights(api: KubeApi, namespaces: Sequence[str] = ()) -> tuple[Review, ...]:
    """Ask for every right, some at once.

    Args:
        api: the cluster.
        namespaces: where rights are wanted that a Role can grant; none for everywhere.

    Returns:
        One review for each verb (and namespace), in the order of the table of rights.
    """
    wanted = [
        (right, verb, namespace)
        for right in RIGHTS
        if right.use is not Use.SELF
        for verb in right.verbs
        for namespace in (namespaces if namespaces and right.namespaced else ("",))
    ]
    slots = asyncio.Semaphore(IN_FLIGHT)

    async def one(right: Right, verb: str, namespace: str) -> Review:
        async with slots:
            return await _review(api, right, verb, namespace)

    return tuple(await asyncio.gather(*(one(*item) for item in wanted)))

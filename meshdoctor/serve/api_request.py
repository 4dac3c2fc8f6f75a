"""One request for objects, read: which resource, where, and how the answer shall look."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec
import yaml
from aiohttp import web

from meshdoctor.model.not_read import NotRead, NotReadStatus
from meshdoctor.serve.api_error import (
    ApiError,
    bad_request,
    forbidden,
    not_recorded,
    unknown_path,
)
from meshdoctor.serve.protobuf import MEDIA_TYPE, ProtobufError, decode
from meshdoctor.serve.representation import Representation, read_form, read_include
from meshdoctor.serve.request_info import RequestInfo, request_info
from meshdoctor.serve.selection import Selection, read_selection

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.serve.cluster import Cluster
    from meshdoctor.serve.resource_type import ResourceType

TRUE = frozenset({"1", "t", "true"})


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """What a request means."""

    http: web.Request
    cluster: Cluster
    info: RequestInfo
    kind: ResourceType
    dry: bool = False
    """Whether the body, besides the query, asks for a dry run."""

    @property
    def query(self) -> Mapping[str, str]:
        """The decoded query."""
        return self.http.query

    @property
    def namespace(self) -> str:
        """Where; empty for all namespaces, and for what is in none."""
        return self.info.namespace if self.kind.namespaced else ""

    @property
    def name(self) -> str:
        """Of the object; empty for a collection."""
        return self.info.name

    @property
    def dry_run(self) -> bool:
        """Whether nothing shall be kept."""
        return self.dry or "All" in self.http.query.getall("dryRun", [])

    def dried(self) -> ApiRequest:
        """The same as a dry run."""
        return replace(self, dry=True)

    def flag(self, name: str) -> bool:
        """Whether a parameter is true."""
        return self.query.get(name, "").lower() in TRUE

    def representation(self) -> Representation:
        """How the answer shall look.

        Raises:
            ApiError: the client accepts nothing that is served.
        """
        return Representation(
            self.kind,
            self.info.version,
            read_form(self.http.headers.get("Accept", "")),
            read_include(self.query),
            self.cluster.now(),
        )

    def selection(self) -> Selection:
        """Which objects are meant.

        Raises:
            ApiError: a selector cannot be understood.
        """
        return read_selection(self.kind, self.query, self.namespace, self.name)


def read_request(http: web.Request, cluster: Cluster) -> ApiRequest:
    """Find out which resource a request is about, and refuse what cannot be answered.

    Args:
        http: a request below ``/api/v1/`` or ``/apis/…/…/``.
        cluster: what is served.

    Raises:
        ApiError: nothing is served there, or it is not known what stands there.
    """
    info = request_info(http.method, http.path, http.query)
    kind = cluster.catalog.find(info.group, info.version, info.resource)
    if kind is None or not _has(kind, info):
        raise unknown_path()
    if kind.unread is not None:
        _refuse_unread(kind, kind.unread, info)
    return ApiRequest(http, cluster, info, kind)


def _has(kind: ResourceType, info: RequestInfo) -> bool:
    """Whether the path fits the resource: its scope and its subresources."""
    in_namespace = bool(info.namespace) and info.resource != "namespaces"
    if in_namespace and not kind.namespaced:
        return False
    if kind.namespaced and info.name and not in_namespace:
        return False
    match info.subresource:
        case "":
            return True
        case "status":
            return kind.has_status
        case "scale":
            return kind.has_scale
    return False


def _refuse_unread(kind: ResourceType, why: NotRead, info: RequestInfo) -> None:
    """Refuse what was not read: never as "none", which would be taken for a fact."""
    if info.namespace and info.namespace in kind.read_namespaces:
        return
    if why.status is NotReadStatus.DENIED:
        raise forbidden(kind, why.reason, info.name)
    raise not_recorded(kind, why.reason, info.name)


async def read_body(http: web.Request) -> Any:
    """The JSON or YAML document in a request's body.

    Raises:
        ApiError: it is none.
    """
    data = await http.read()
    media = http.content_type
    if media.endswith("yaml"):
        return read_yaml(data)
    if media == MEDIA_TYPE:
        return _read_protobuf(data)
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise bad_request(f"the object provided is not readable: {error}") from None


def _read_protobuf(data: bytes) -> Any:
    try:
        return decode(data)
    except ProtobufError as error:
        message = f"the body of the request cannot be read as protobuf: {error}"
        raise ApiError(415, message, "UnsupportedMediaType") from None


def read_yaml(data: bytes) -> Any:
    """A YAML document.

    Raises:
        ApiError: it is none.
    """
    try:
        return yaml.safe_load(data)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        line = " ".join(str(error).split())
        raise bad_request(f"error decoding YAML: {line}") from None

"""Which handler answers which path."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from aiohttp import web
from aiohttp.typedefs import Handler

from meshdoctor.model.resource import as_mapping
from meshdoctor.parse.documents import decode_object
from meshdoctor.parse.errors import ParseError
from meshdoctor.serve import discovery, openapi
from meshdoctor.serve.access import Denials, access_review, rules_review, subject_review
from meshdoctor.serve.answer import json_answer
from meshdoctor.serve.api_error import ApiError, method_not_allowed, unknown_path
from meshdoctor.serve.api_request import ApiRequest, read_body, read_request
from meshdoctor.serve.patch_objects import patch_object
from meshdoctor.serve.read_objects import get_object, list_objects, watch_objects
from meshdoctor.serve.scale import answer_scale
from meshdoctor.serve.streams_refusal import RefusedError, status_response
from meshdoctor.serve.write_objects import (
    create_object,
    delete_object,
    delete_objects,
    update_object,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from meshdoctor.serve.cluster import Cluster

    Answer = Callable[[ApiRequest], Awaitable[web.StreamResponse]]

_log = logging.getLogger(__name__)
_VERSION_FILE = "kubernetes/version.json"
_VERSION_FIELDS = (
    "gitCommit",
    "gitTreeState",
    "buildDate",
    "goVersion",
    "compiler",
    "platform",
)
"""Clients insist on them; nobody knows them where only the manifest tells the version."""
_ACCESS = "/apis/authorization.k8s.io/v1/selfsubject{}reviews"
_BY_VERB: dict[str, Answer] = {
    "get": get_object,
    "list": list_objects,
    "watch": watch_objects,
    "create": create_object,
    "update": update_object,
    "patch": patch_object,
    "delete": delete_object,
    "deletecollection": delete_objects,
}
_OF_STATUS = frozenset({"get", "update", "patch"})


@web.middleware
async def refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer what is refused, and what breaks, with a Status: the innermost middleware."""
    try:
        return await handler(request)
    except RefusedError as error:
        return status_response(error.status)
    except web.HTTPRequestEntityTooLarge:
        return status_response(ApiError(413, "the request is too large").status)
    except web.HTTPNotFound:
        return status_response(unknown_path().status)
    except web.HTTPMethodNotAllowed:
        return status_response(method_not_allowed().status)
    except (web.HTTPException, ConnectionError):
        raise
    except Exception as error:
        _log.exception("%s %s", request.method, request.path)
        message = f"Internal error occurred: {type(error).__name__}: {error}"
        return status_response(ApiError(500, message).status)


async def _objects(request: web.Request, cluster: Cluster) -> web.StreamResponse:
    """Whatever is asked of objects."""
    read = read_request(request, cluster)
    verb, part = read.info.verb, read.info.subresource
    if verb not in read.kind.verbs:
        raise method_not_allowed()
    if part == "scale":
        return await answer_scale(read)
    if part and verb not in _OF_STATUS:
        raise method_not_allowed()
    if verb in ("create", "deletecollection") and read.kind.namespaced and not read.namespace:
        raise method_not_allowed()
    if verb == "create" and read.name:
        raise method_not_allowed()
    return await _BY_VERB[verb](read)


class Routes:
    """The handlers, each with the cluster they answer from."""

    def __init__(self, cluster: Cluster, denials: Denials) -> None:
        """Nothing is served before ``add_to``.

        Args:
            cluster: what is served.
            denials: what is forbidden on demand.
        """
        self._cluster = cluster
        self._denials = denials

    def add_to(self, app: web.Application) -> None:
        """Add the routes; the most general come last."""
        documents = {
            "/healthz": self._health,
            "/livez": self._health,
            "/readyz": self._health,
            "/version": self._version,
            "/api": self._core,
            "/apis": self._groups,
            "/api/{version}": self._resources,
            "/apis/{group}": self._group,
            "/apis/{group}/{version}": self._resources,
            "/openapi/v2": self._openapi_v2,
            "/openapi/v3": self._openapi_v3,
            "/openapi/v3/{root:.+}": self._openapi_v3,
        }
        for path, handler in documents.items():
            app.router.add_get(path, handler)
            app.router.add_get(path + "/", handler)
        for path in ("/healthz", "/livez", "/readyz"):
            app.router.add_get(path + "/{part:.+}", self._health)
        app.router.add_post(_ACCESS.format("access"), self._access)
        app.router.add_post(_ACCESS.format("rules"), self._rules)
        subject = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
        app.router.add_post(subject, self._subject)
        app.router.add_route("*", "/api/{version}/{rest:.+}", self._object)
        app.router.add_route("*", "/apis/{group}/{version}/{rest:.+}", self._object)

    async def _object(self, request: web.Request) -> web.StreamResponse:
        return await _objects(request, self._cluster)

    async def _health(self, request: web.Request) -> web.Response:
        return web.Response(text="ok")

    def _version_document(self) -> dict[str, Any]:
        """What the recorded API server said of itself, or as much of it as the manifest knows."""
        try:
            return decode_object(self._cluster.mesh.files.get(_VERSION_FILE, b""))
        except ParseError:
            version = self._cluster.mesh.kubernetes or "v1.30.0"
            major, minor, *_ = [*version.removeprefix("v").split("."), "0"]
            return {"major": major, "minor": minor, "gitVersion": version} | dict.fromkeys(
                _VERSION_FIELDS, ""
            )

    def _git_version(self) -> str:
        return str(self._version_document().get("gitVersion") or "")

    async def _version(self, request: web.Request) -> web.Response:
        return json_answer(self._version_document())

    def _aggregated(self, request: web.Request, *, core: bool) -> web.Response | None:
        version = discovery.wanted_aggregation(request.headers.get("Accept", ""))
        if version is None:
            return None
        document = discovery.aggregated(self._cluster.catalog, version, core=core)
        return json_answer(document, content_type=discovery.AGGREGATED.format(version=version))

    async def _core(self, request: web.Request) -> web.Response:
        return self._aggregated(request, core=True) or json_answer(
            discovery.api_versions(request.host)
        )

    async def _groups(self, request: web.Request) -> web.Response:
        return self._aggregated(request, core=False) or json_answer(
            discovery.api_groups(self._cluster.catalog)
        )

    async def _group(self, request: web.Request) -> web.Response:
        group = request.match_info["group"]
        return json_answer(discovery.api_group(self._cluster.catalog, group))

    async def _resources(self, request: web.Request) -> web.Response:
        group, version = request.match_info.get("group", ""), request.match_info["version"]
        return json_answer(discovery.api_resources(self._cluster.catalog, group, version))

    async def _openapi_v2(self, request: web.Request) -> web.Response:
        if openapi.PROTO_V2 in request.headers.get("Accept", "").replace("@", "."):
            return web.Response(body=openapi.EMPTY_PROTO_V2, content_type=openapi.PROTO_V2)
        return json_answer(openapi.openapi_v2(self._git_version()))

    async def _openapi_v3(self, request: web.Request) -> web.Response:
        catalog, root = self._cluster.catalog, request.match_info.get("root")
        if root is None:
            return json_answer(openapi.openapi_v3(catalog))
        return json_answer(openapi.openapi_v3_of(catalog, root, self._git_version()))

    async def _access(self, request: web.Request) -> web.Response:
        document = as_mapping(await read_body(request))
        return json_answer(access_review(document, self._cluster.catalog, self._denials), 201)

    async def _rules(self, request: web.Request) -> web.Response:
        document = as_mapping(await read_body(request))
        return json_answer(rules_review(document, self._cluster.catalog, self._denials), 201)

    async def _subject(self, request: web.Request) -> web.Response:
        await read_body(request)
        return json_answer(subject_review(request.headers), 201)

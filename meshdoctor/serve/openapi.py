"""As much of OpenAPI as kubectl needs to leave validation and patches to the server.

kubectl looks for the ``fieldValidation`` parameter of a kind's PATCH before it sends objects
(cli-runtime, ``QueryParamVerifierV3``), and for a schema before it makes a strategic merge patch:
where there is none, it uses the types it was built with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.serve.api_error import unknown_path

if TYPE_CHECKING:
    from meshdoctor.serve.catalog import Catalog
    from meshdoctor.serve.resource_type import ResourceType

PROTO_V2 = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
"""What kubectl accepts of version 2."""
EMPTY_PROTO_V2 = b"\x0a\x032.0"
"""A document of which nothing is set but ``swagger: "2.0"``."""
_PARAMETERS = ("dryRun", "fieldManager", "fieldValidation")


def _info(mesh_version: str) -> dict[str, str]:
    return {"title": "Kubernetes", "version": mesh_version}


def openapi_v2(mesh_version: str) -> dict[str, Any]:
    """``/openapi/v2``: a document without paths."""
    return {"swagger": "2.0", "info": _info(mesh_version), "paths": {}, "definitions": {}}


def _root(group: str, version: str) -> str:
    return f"apis/{group}/{version}" if group else f"api/{version}"


def openapi_v3(catalog: Catalog) -> dict[str, Any]:
    """``/openapi/v3``: where each group's version has its document."""
    roots = [
        _root(group, version)
        for group, versions in catalog.groups().items()
        for version in versions
    ]
    return {
        "paths": {root: {"serverRelativeURL": f"/openapi/v3/{root}?hash=1"} for root in roots},
    }


def _path(kind: ResourceType, version: str) -> str:
    root = f"/{_root(kind.group, version)}"
    where = "/namespaces/{namespace}" if kind.namespaced else ""
    return f"{root}{where}/{kind.plural}/{{name}}"


def _operations(kind: ResourceType, version: str) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}}
        for name in _PARAMETERS
    ]
    return {
        "patch": {
            "parameters": parameters,
            "responses": {"200": {"description": "OK"}},
            "x-kubernetes-action": "patch",
            "x-kubernetes-group-version-kind": {
                "group": kind.group,
                "version": version,
                "kind": kind.kind,
            },
        }
    }


def openapi_v3_of(catalog: Catalog, root: str, mesh_version: str) -> dict[str, Any]:
    """The document of one group's version.

    Args:
        catalog: what is served.
        root: ``api/v1`` or ``apis/GROUP/VERSION``.
        mesh_version: the API server's.

    Raises:
        ApiError: there is none.
    """
    match root.strip("/").split("/"):
        case ["api", version]:
            group = ""
        case ["apis", group, version]:
            pass
        case _:
            raise unknown_path()
    found = catalog.of_version(group, version)
    if not found:
        raise unknown_path()
    return {
        "openapi": "3.0.0",
        "info": _info(mesh_version),
        "paths": {_path(one, version): _operations(one, version) for one in found},
        "components": {"schemas": {}},
    }

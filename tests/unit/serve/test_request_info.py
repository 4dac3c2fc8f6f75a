from __future__ import annotations

import pytest

from meshdoctor.serve.request_info import request_info


@pytest.mark.parametrize(
    ("method", "path", "verb", "target", "namespace", "name"),
    [
        ("GET", "/api/v1/pods", "list", "pods", "", ""),
        ("GET", "/api/v1/namespaces/shop/pods", "list", "pods", "shop", ""),
        ("GET", "/api/v1/namespaces/shop/pods/web", "get", "pods", "shop", "web"),
        ("GET", "/api/v1/namespaces/shop/pods/web/log", "get", "pods/log", "shop", "web"),
        ("POST", "/api/v1/namespaces/shop/pods/web/exec", "create", "pods/exec", "shop", "web"),
        ("GET", "/api/v1/namespaces", "list", "namespaces", "", ""),
        ("GET", "/api/v1/namespaces/shop", "get", "namespaces", "shop", "shop"),
        ("DELETE", "/api/v1/namespaces/shop/pods", "deletecollection", "pods", "shop", ""),
        ("GET", "/version", "get", "/version", "", ""),
        ("GET", "/apis/apps/v1", "get", "/apis/apps/v1", "", ""),
    ],
)
def test_a_path_is_read_as_the_api_server_reads_it(
    method: str, path: str, verb: str, target: str, namespace: str, name: str
) -> None:
    info = request_info(method, path, {})
    assert (info.verb, info.target, info.namespace, info.name) == (verb, target, namespace, name)


def test_a_query_or_a_path_makes_a_list_a_watch() -> None:
    assert request_info("GET", "/api/v1/pods", {"watch": "true"}).verb == "watch"
    watch = request_info("GET", "/api/v1/watch/namespaces/shop/pods", {})
    assert (watch.verb, watch.namespace, watch.resource) == ("watch", "shop", "pods")


def test_a_named_group_is_kept_apart_from_its_version() -> None:
    path = "/apis/networking.istio.io/v1/namespaces/shop/virtualservices"
    info = request_info("GET", path, {})
    assert (info.group, info.version) == ("networking.istio.io", "v1")
    assert info.resource == "virtualservices"

"""The official Kubernetes client for Python as judge of lists, watches and old discovery."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from kubernetes import client, config, watch
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic import DynamicClient

from meshdoctor.resources import recordings_root
from meshdoctor.serve.thread import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from meshdoctor.serve.server import Server


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(recordings_root() / "healthy.tar.gz") as running:
        yield running


@pytest.fixture
def api(server: Server, tmp_path: Path) -> Iterator[Any]:
    path = tmp_path / "config"
    server.write_kubeconfig(path)
    untyped: Any = config
    with untyped.new_client_from_config(str(path)) as one:
        yield one
        one.rest_client.pool_manager.clear()


def test_typed_objects_are_listed_and_paged(api: Any) -> None:
    core: Any = client.CoreV1Api(api)
    first = core.list_pod_for_all_namespaces(limit=4)
    assert (len(first.items), first.metadata.remaining_item_count) == (4, 6)
    rest = core.list_pod_for_all_namespaces(limit=9, _continue=first.metadata._continue)
    assert len({pod.metadata.uid for pod in first.items + rest.items}) == 10
    service = core.read_namespaced_service("reviews", "shop")
    assert service.spec.cluster_ip == "10.96.250.3"


def test_a_watch_tells_of_a_write_made_meanwhile(api: Any) -> None:
    core: Any = client.CoreV1Api(api)
    version = core.list_namespaced_config_map("shop").metadata.resource_version
    body = {"metadata": {"name": "made-meanwhile"}, "data": {"a": "b"}}
    writer = threading.Timer(0.3, core.create_namespaced_config_map, ("shop", body))
    writer.start()
    untyped: Any = watch
    stream = untyped.Watch()
    events = stream.stream(
        core.list_namespaced_config_map, "shop", resource_version=version, timeout_seconds=4
    )
    event = next(iter(events))
    stream.stop()
    writer.join()
    assert (event["type"], event["object"].metadata.name) == ("ADDED", "made-meanwhile")


def test_custom_resources_are_found_by_discovery_in_its_old_form(api: Any) -> None:
    untyped: Any = DynamicClient
    dynamic = untyped(api)
    resource = dynamic.resources.get(kind="VirtualService", api_version="networking.istio.io/v1")
    names = {item.metadata.name for item in resource.get(namespace="shop").items}
    assert names == {"reviews", "web"}


def test_reviews_answer(api: Any) -> None:
    attributes = {"verb": "list", "resource": "pods"}
    authorization: Any = client.AuthorizationV1Api(api)
    body = {"spec": {"resourceAttributes": attributes}}
    review = authorization.create_self_subject_access_review(body)
    assert review.status.allowed
    assert client.VersionApi(api).get_code().git_version == "v1.33.13"


def test_a_refusal_is_understood(api: Any) -> None:
    with pytest.raises(ApiException) as caught:
        client.CoreV1Api(api).read_namespaced_pod("nope", "shop")
    assert caught.value.status == 404
    assert json.loads(caught.value.body or "")["details"]["name"] == "nope"

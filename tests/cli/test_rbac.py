"""``meshdoctor rbac``: least rights, held against an RBAC evaluator that nobody told the answer."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from meshdoctor.cli import run
from meshdoctor.collect.rights import CLUSTER_SCOPED, rbac_group
from meshdoctor.exit_codes import ExitCode
from meshdoctor.model.kinds import ALL, SECRET
from meshdoctor.serve.request_info import RequestInfo, request_info
from tests.cli.rbac_evaluator import Roles

VARIANTS = [
    (),
    ("--no-port-forward",),
    ("--no-secrets",),
    ("-n", "shop"),
    ("-n", "shop", "-i", "mesh"),
]
POD = "/api/v1/namespaces/shop/pods/web"
OBJECTS = [
    f"/api/v1/{kind.plural}" if kind.group == "core" else f"/apis/{kind.group}/v1/{kind.plural}"
    for kind in ALL
    if kind is not SECRET
]
SECRET_PATH = "/api/v1/namespaces/istio-system/secrets/shop-cert"
REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
WRITES = (
    "create",
    "update",
    "patch",
    "delete",
    "deletecollection",
    "impersonate",
    "bind",
    "escalate",
)


def printed(capsys: pytest.CaptureFixture[str], *options: str) -> list[dict[str, Any]]:
    assert run(["rbac", *options]) == ExitCode.OK
    captured = capsys.readouterr()
    assert captured.err == ""
    return list(yaml.safe_load_all(captured.out))


def roles(capsys: pytest.CaptureFixture[str], *options: str) -> Roles:
    return Roles(printed(capsys, *options))


def get(path: str, **query: str) -> RequestInfo:
    return request_info("GET", path, query)


def as_create(asked: RequestInfo) -> RequestInfo:
    """The second question of Kubernetes 1.35 and later about a WebSocket into a pod."""
    return request_info("POST", asked.path, {})


@pytest.mark.parametrize("path", OBJECTS)
def test_every_kind_may_be_listed_and_watched_and_nothing_else(
    path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    granted = roles(capsys)
    assert granted.allows(get(path))
    assert granted.allows(get(path, watch="true"))
    assert not granted.allows(get(f"{path}/one"))
    assert not granted.allows(request_info("POST", path, {}))


def test_secrets_may_be_read_by_name_and_never_listed(capsys: pytest.CaptureFixture[str]) -> None:
    granted = roles(capsys)
    assert granted.allows(get(SECRET_PATH))
    assert not granted.allows(get("/api/v1/secrets"))
    assert not granted.allows(get("/api/v1/namespaces/istio-system/secrets"))
    assert not roles(capsys, "--no-secrets").allows(get(SECRET_PATH))


def test_the_way_into_pods_is_one_of_two(capsys: pytest.CaptureFixture[str]) -> None:
    forward, execute = get(f"{POD}/portforward", ports="15000"), get(f"{POD}/exec")
    for options, allowed, refused in (
        ((), forward, execute),
        (("--no-port-forward",), execute, forward),
    ):
        granted = roles(capsys, *options)
        assert granted.allows(allowed)
        assert granted.allows(as_create(allowed))
        assert not granted.allows(refused)
        assert not granted.allows(as_create(refused))
        assert granted.allows(get(f"{POD}/log"))
        assert not granted.allows(as_create(get(f"{POD}/attach")))


@pytest.mark.parametrize(
    "path", ["/version", "/healthz", "/api", "/api/v1", "/apis", "/apis/networking.istio.io/v1"]
)
def test_the_server_itself_may_be_asked(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert roles(capsys).allows(get(path))
    assert roles(capsys).allows(request_info("POST", REVIEW, {}))


@pytest.mark.parametrize("options", VARIANTS, ids=" ".join)
def test_no_variant_allows_a_write(
    options: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    create = {"pods/exec", "pods/portforward", "selfsubjectaccessreviews"}
    for item in printed(capsys, *options):
        for rule in item["rules"]:
            assert "*" not in (
                *rule["verbs"],
                *rule.get("resources", ()),
                *rule.get("apiGroups", ()),
            )
            if set(rule["verbs"]) & set(WRITES):
                assert set(rule["verbs"]) & set(WRITES) == {"create"}
                assert set(rule["resources"]) <= create


@pytest.mark.parametrize(
    ("options", "namespaces"),
    [(("-n", "shop"), ["shop", "istio-system"]), (("-n", "a", "-n", "b", "-i", "a"), ["a", "b"])],
)
def test_with_namespaces_only_what_is_in_none_is_granted_cluster_wide(
    options: tuple[str, ...], namespaces: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    cluster, *local = printed(capsys, *options)
    assert cluster["kind"] == "ClusterRole"
    assert [item["metadata"]["namespace"] for item in local] == namespaces
    assert {item["kind"] for item in local} == {"Role"}
    wide = {
        (g, r)
        for rule in cluster["rules"]
        for g in rule.get("apiGroups", ())
        for r in rule["resources"]
    }
    kinds = {(rbac_group(kind), kind.plural) for kind in CLUSTER_SCOPED}
    further = {("metrics.k8s.io", "pods"), ("metrics.k8s.io", "nodes")}
    assert wide == kinds | further | {("authorization.k8s.io", "selfsubjectaccessreviews")}
    granted = Roles([cluster, *local])
    assert granted.allows(get(f"/api/v1/namespaces/{namespaces[0]}/pods"))
    assert not granted.allows(get("/api/v1/namespaces/other/pods"))
    assert not granted.allows(get("/api/v1/pods"))


def test_a_service_account_is_bound_to_every_role(capsys: pytest.CaptureFixture[str]) -> None:
    items = printed(capsys, "-n", "shop", "--service-account", "md.v2.ops")
    subject = [{"kind": "ServiceAccount", "name": "md.v2", "namespace": "ops"}]
    kinds = [item["kind"] for item in items]
    assert kinds == [
        "ClusterRole",
        "ClusterRoleBinding",
        "Role",
        "RoleBinding",
        "Role",
        "RoleBinding",
    ]
    for role, binding in zip(items[::2], items[1::2], strict=True):
        assert binding["subjects"] == subject
        assert binding["roleRef"]["kind"] == role["kind"]
        assert binding["roleRef"]["name"] == role["metadata"]["name"]
        assert binding["metadata"].get("namespace") == role["metadata"].get("namespace")


@pytest.mark.parametrize(
    "options",
    [
        ("--service-account", "nobody"),
        ("--service-account", "a.b\nkind: Secret"),
        ("--service-account", ".ops"),
        ("--service-account", "A.ops"),
        ("-n", "shop: x"),
        ("-n", ""),
        ("-n", "shop", "-i", "istio system"),
    ],
)
def test_what_is_no_name_never_gets_into_the_manifest(
    options: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["rbac", *options]) == ExitCode.USAGE
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "is no" in captured.err


def test_every_resource_says_why_it_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    run(["rbac"])
    lines = capsys.readouterr().out.splitlines()
    comments = {line.split()[1].rstrip(":") for line in lines if line.startswith("  # ")}
    for rule in yaml.safe_load("\n".join(lines))["rules"]:
        assert set(rule.get("resources", ())) <= comments

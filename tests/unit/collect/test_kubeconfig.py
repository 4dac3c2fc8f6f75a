from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meshdoctor.collect.access_error import AccessError
from meshdoctor.collect.kubeconfig import Kubeconfig, kubeconfig_files, read_kubeconfig


def document(name: str = "one", **more: Any) -> dict[str, Any]:
    return {
        "current-context": name,
        "contexts": [{"name": name, "context": {"cluster": f"c-{name}", "user": f"u-{name}"}}],
        "clusters": [{"name": f"c-{name}", "cluster": {"server": f"https://{name}:6443"}}],
        "users": [{"name": f"u-{name}", "user": {"token": f"t-{name}"}}],
        **more,
    }


def written(folder: Path, value: Any, name: str = "config") -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(value if isinstance(value, str) else yaml.safe_dump(value))
    return file


def read(*files: Path) -> Kubeconfig:
    found = read_kubeconfig(os.pathsep.join(map(str, files)))
    assert found is not None
    return found


def test_the_current_context_is_read(tmp_path: Path) -> None:
    context = read(written(tmp_path, document())).context()
    assert context.name == "one"
    assert context.namespace == "default"
    assert context.cluster.server == "https://one:6443"
    assert context.user.token == "t-one"


def test_another_context_can_be_chosen(tmp_path: Path) -> None:
    files = written(tmp_path, document(), "a"), written(tmp_path, document("two"), "b")
    assert read(*files).context("two").cluster.server == "https://two:6443"


def test_the_first_file_wins_as_with_kubectl(tmp_path: Path) -> None:
    second = document("two")
    second["clusters"].append({"name": "c-one", "cluster": {"server": "https://other:1"}})
    files = written(tmp_path, document(), "a"), written(tmp_path, second, "b")
    found = read(*files)
    assert found.current_context == "one"
    assert found.context().cluster.server == "https://one:6443"
    assert found.context("two").user.token == "t-two"


def test_a_context_may_lean_on_entries_of_another_file(tmp_path: Path) -> None:
    whole = document()
    first = {key: whole[key] for key in ("current-context", "contexts")}
    rest = {key: whole[key] for key in ("clusters", "users")}
    found = read(written(tmp_path, first, "a"), written(tmp_path, rest, "b"))
    assert found.context().cluster.server == "https://one:6443"


def test_relative_files_begin_at_the_kubeconfig_that_names_them(tmp_path: Path) -> None:
    value = document()
    value["clusters"][0]["cluster"]["certificate-authority"] = "pki/ca.crt"
    value["users"][0]["user"] = {
        "tokenFile": "token",
        "client-certificate": "/abs/client.crt",
        "exec": {"command": "./bin/login", "apiVersion": "client.authentication.k8s.io/v1"},
    }
    context = read(written(tmp_path, value, "deep/config")).context()
    assert context.cluster.ca.file == tmp_path / "deep" / "pki" / "ca.crt"
    assert context.user.token_file == tmp_path / "deep" / "token"
    assert context.user.certificate.file == Path("/abs/client.crt")
    assert context.user.plugin is not None
    assert context.user.plugin.command == str(tmp_path / "deep" / "bin" / "login")


def test_data_wins_over_a_file_and_may_be_broken_into_lines(tmp_path: Path) -> None:
    value = document()
    data = base64.encodebytes(b"certificate" * 20).decode()
    cluster = {
        "server": "https://a",
        "certificate-authority": "x",
        "certificate-authority-data": data,
    }
    value["clusters"][0]["cluster"] = cluster
    ca = read(written(tmp_path, value)).context().cluster.ca
    assert ca.data == b"certificate" * 20
    assert ca.read("certificate authority") == b"certificate" * 20


def test_names_that_look_like_numbers_or_booleans_stay_names(tmp_path: Path) -> None:
    text = """
current-context: 0123
contexts: [{name: 0123, context: {cluster: yes, user: 1e3, namespace: null}}]
clusters: [{name: yes, cluster: {server: https://a, insecure-skip-tls-verify: true}}]
users: [{name: 1e3, user: {token: 2024-01-01, password: null}}]
"""
    context = read(written(tmp_path, text)).context()
    assert (context.name, context.cluster.name, context.user.name) == ("0123", "yes", "1e3")
    assert context.cluster.insecure
    assert context.namespace == "default"
    assert context.user.token == "2024-01-01"
    assert context.user.password == ""


def test_json_is_yaml(tmp_path: Path) -> None:
    text = '{"clusters":[],"users":null,"contexts":[{"name":"a","context":null}]}'
    assert read(written(tmp_path, text)).context_name("a") == "a"


def test_everything_a_user_may_have_is_read(tmp_path: Path) -> None:
    value = document()
    value["users"][0]["user"] = {
        "username": "me",
        "password": "secret",
        "as": "admin",
        "as-uid": "7",
        "as-groups": ["a", "b"],
        "as-user-extra": {"scopes": ["x", "y"]},
        "exec": {
            "command": "aws",
            "args": ["eks", "get-token"],
            "env": [{"name": "AWS_PROFILE", "value": "dev"}, {"name": "EMPTY"}],
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "installHint": "get\n it",
            "provideClusterInfo": True,
            "interactiveMode": "Never",
        },
    }
    user = read(written(tmp_path, value)).context().user
    assert (user.username, user.password) == ("me", "secret")
    assert user.impersonation.user == "admin"
    assert user.impersonation.groups == ("a", "b")
    assert user.impersonation.extra == (("scopes", ("x", "y")),)
    plugin = user.plugin
    assert plugin is not None
    assert plugin.arguments == ("eks", "get-token")
    assert plugin.environment == {"AWS_PROFILE": "dev", "EMPTY": ""}
    assert (plugin.install_hint, plugin.provides_cluster) == ("get it", True)
    assert "secret" not in repr(user)


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in document().items() if name != key}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("a: [", "is not YAML"),
        ("a: b: c", "in line 1"),
        ("- a\n- b", "holds no mapping"),
        ("just text", "holds no mapping"),
        ("\0\1", "is not YAML"),
        ("contexts: {a: b}", "contexts in .* is not a list"),
        ({}, "no current context"),
        (without("current-context"), "choose one of one with --context"),
        (document() | {"current-context": "two"}, 'no context "two" in .*; there are: one'),
        (without("clusters"), 'names cluster "c-one", which is not in'),
        (without("users"), 'names user "u-one", which is not in'),
        (document() | {"contexts": [{"name": "one"}]}, "names no cluster"),
        (document() | {"contexts": [{"name": "one", "context": "x"}]}, "is not a mapping"),
        (document() | {"clusters": [{"name": "c-one", "cluster": {}}]}, "names no server"),
        (
            document()
            | {
                "clusters": [
                    {
                        "name": "c-one",
                        "cluster": {"server": "https://a", "certificate-authority-data": "*"},
                    }
                ]
            },
            "is not base64",
        ),
        (
            document() | {"users": [{"name": "u-one", "user": {"exec": {"args": []}}}]},
            "names no command",
        ),
        (document() | {"users": [{"name": "u-one", "user": {"token": ["a"]}}]}, "is not a string"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, value: Any, words: str) -> None:
    with pytest.raises(AccessError, match=words) as caught:
        read(written(tmp_path, value)).context()
    assert "\n" not in str(caught.value)


def test_a_file_that_is_asked_for_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(AccessError, match="there is no kubeconfig"):
        read_kubeconfig(str(tmp_path / "missing"))


def test_a_file_that_is_a_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(AccessError, match=r"cannot read the kubeconfig .*: Is a directory"):
        read_kubeconfig(str(tmp_path))


def test_a_huge_file_is_no_kubeconfig(tmp_path: Path) -> None:
    file = tmp_path / "config"
    with file.open("wb") as stream:
        stream.truncate(17 * 2**20)
    with pytest.raises(AccessError, match="larger than 16 MiB"):
        read_kubeconfig(str(file))


def test_missing_files_of_the_environment_are_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = written(tmp_path, document())
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join([str(tmp_path / "gone"), "", str(there)]))
    found = read_kubeconfig()
    assert found is not None
    assert found.files == (there,)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "gone"))
    assert read_kubeconfig() is None


def test_without_anything_the_home_folder_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert kubeconfig_files() == (tmp_path / ".kube" / "config",)
    assert read_kubeconfig() is None


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "cluster", "user", "context", "server", "exec", "env", "as"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(st.dictionaries(st.sampled_from(list(document())), JUNK))
def test_no_document_makes_it_stumble(tmp_path: Path, junk: dict[str, Any]) -> None:
    file = written(tmp_path, document() | junk)
    try:
        said = read(file).context().name
    except AccessError as error:
        said = str(error)
    assert "\n" not in said

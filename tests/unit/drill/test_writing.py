"""Objects as text, what applying it does, and what the API server would refuse."""

from __future__ import annotations

import pytest

from meshdoctor.drill.edits import EditError
from meshdoctor.drill.manifests import ManifestError, as_yaml, document_of, read_manifests
from meshdoctor.drill.pasting import edited, pasted
from meshdoctor.drill.targets import parse_target
from tests.unit.drill.playing import RATINGS, play

REVIEWS = "VirtualService shop/reviews"


def text_of(world: object, name: str) -> str:
    """An object as the editor opens it."""
    target = parse_target(name)
    item = target.find(world.objects)  # type: ignore[attr-defined]
    assert item is not None
    return as_yaml(document_of(world.cluster.catalog.types[target.key], item))  # type: ignore[attr-defined]


def test_an_objects_text_has_no_status_and_nothing_that_the_server_alone_writes() -> None:
    text = text_of(play("healthy"), RATINGS)
    assert text.startswith("apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: ratings-v1\n")
    for word in ("status:", "uid:", "resourceVersion:", "managedFields:", "last-applied"):
        assert word not in text


def test_text_of_several_lines_is_a_block_that_can_be_edited() -> None:
    world = play("healthy")
    text = text_of(world, "ConfigMap istio-system/istio")
    assert "  mesh: |" in text
    name = "ConfigMap istio-system/istio"
    before = world.objects
    edited(parse_target(name), text).apply(world.cluster)
    assert world.objects is before


@pytest.mark.parametrize("name", ["Pod", "Deployment", "Service", "VirtualService", "Namespace"])
def test_applying_an_unchanged_text_writes_nothing(name: str) -> None:
    world = play("healthy")
    before = world.objects
    kinds = [one for one in before.by_key if one[1] == f"{name.lower()}s"]
    for key in kinds:
        for item in before.all(key):
            metadata = item["metadata"]
            where = f"{metadata.get('namespace', '')}/{metadata['name']}".removeprefix("/")
            text = text_of(world, f"{name} {where}")
            edited(parse_target(f"{name} {where}"), text).apply(world.cluster)
    assert kinds
    assert world.objects is before


@pytest.mark.parametrize(
    ("text", "why", "line"),
    [
        ("a: [1\nb: 2", "line 2, column 2", 2),
        ("a: 1\na: 2", "line 2, column 1: the key 'a' is there twice", 2),
        ("a:\n\tb: 1", "line 2, column 1", 2),
        ("just words", "a manifest is a mapping", 0),
    ],
    ids=["open bracket", "key twice", "tab", "no mapping"],
)
def test_what_cannot_be_read_is_one_line_that_names_the_place(
    text: str, why: str, line: int
) -> None:
    with pytest.raises(ManifestError) as caught:
        read_manifests(text)
    assert str(caught.value).startswith(why)
    assert "\n" not in str(caught.value)
    assert caught.value.line == line


def test_times_stay_text_as_kubectl_reads_them() -> None:
    (read,) = read_manifests("kind: A\nat: 2026-11-21T07:59:58Z\n")
    assert read["at"] == "2026-11-21T07:59:58Z"


def test_a_list_and_several_documents_are_several_objects() -> None:
    text = "kind: List\nitems: [{kind: A}, {kind: B}]\n---\n---\nkind: C\n"
    assert [one["kind"] for one in read_manifests(text)] == ["A", "B", "C"]


def test_an_edited_text_replaces_the_object_and_keeps_its_status() -> None:
    world = play("healthy")
    text = text_of(world, RATINGS).replace("replicas: 1", "replicas: 2")
    before = parse_target(RATINGS).find(world.objects)
    edited(parse_target(RATINGS), text).apply(world.cluster)
    after = parse_target(RATINGS).find(world.objects)
    assert before is not None
    assert after is not None
    assert after["spec"]["replicas"] == 2
    assert after["status"]["readyReplicas"] == 2
    assert after["metadata"]["uid"] == before["metadata"]["uid"]


def test_what_is_left_out_of_an_edited_text_is_gone() -> None:
    world = play("healthy")
    text = text_of(world, "Namespace shop").replace("istio-injection: enabled", "team: a")
    edited(parse_target("Namespace shop"), text).apply(world.cluster)
    after = parse_target("Namespace shop").find(world.objects)
    assert after is not None
    assert "istio-injection" not in after["metadata"]["labels"]
    assert after["metadata"]["labels"]["team"] == "a"


@pytest.mark.parametrize(
    ("name", "old", "new", "why"),
    [
        (RATINGS, "name: ratings-v1\n", "name: other\n", "the name of the object (other)"),
        (RATINGS, "version: v1", "version: v9", "field is immutable"),
        (REVIEWS, "kind: VirtualService", "kind: Gateway", "cannot be handled as"),
        (REVIEWS, "  name: reviews\n", "  name: reviews\n  labels: {a: 1}\n", "cannot unmarshal"),
    ],
    ids=["name", "selector", "kind", "label"],
)
def test_what_an_api_server_refuses_of_an_edit_is_refused(
    name: str, old: str, new: str, why: str
) -> None:
    world = play("healthy")
    before = world.objects
    text = text_of(world, name)
    assert old in text
    with pytest.raises(EditError) as caught:
        edited(parse_target(name), text.replace(old, new)).apply(world.cluster)
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)
    assert world.objects is before


def test_pods_must_be_those_that_their_workload_selects() -> None:
    world = play("healthy")
    text = text_of(world, RATINGS)
    head, template = text.split("  template:")
    with pytest.raises(EditError, match="`selector` does not match template `labels`"):
        edited(
            parse_target(RATINGS), f"{head}  template:{template.replace('app: ratings', 'app: r')}"
        ).apply(world.cluster)


def test_a_pod_that_runs_takes_another_image_and_nothing_else() -> None:
    world = play("healthy")
    pod = next(one for one in world.objects.all(("", "pods"), "shop"))
    name = f"Pod shop/{pod['metadata']['name']}"
    image = pod["spec"]["containers"][0]["image"]
    text = text_of(world, name)
    with pytest.raises(EditError, match="pod updates may not change fields other than"):
        edited(
            parse_target(name), text.replace("restartPolicy: Always", "restartPolicy: Never")
        ).apply(world.cluster)
    edited(parse_target(name), text.replace(image, "example/other:1")).apply(world.cluster)
    found = parse_target(name).find(world.objects)
    assert found is not None
    assert found["spec"]["containers"][0]["image"] == "example/other:1"


SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: extra}\nspec: {ports: [{port: 80}]}\n"


def test_a_pasted_manifest_without_a_namespace_means_default() -> None:
    world = play("healthy")
    (edit,) = pasted(world.cluster, SERVICE)
    assert str(edit.target) == "Service default/extra"
    edit.apply(world.cluster)
    assert edit.target.find(world.objects) is not None


def test_a_namespace_may_come_with_what_is_in_it() -> None:
    world = play("healthy")
    namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: fresh}\n---\n"
    for edit in pasted(
        world.cluster, namespace + SERVICE.replace("extra", "extra, namespace: fresh")
    ):
        edit.apply(world.cluster)
    assert parse_target("Service fresh/extra").find(world.objects) is not None


def test_pasting_an_object_that_is_there_configures_it() -> None:
    world = play("healthy")
    text = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {team: a}}\n"
    for edit in pasted(world.cluster, text):
        edit.apply(world.cluster)
    found = parse_target("Namespace shop").find(world.objects)
    assert found is not None
    labels = found["metadata"]["labels"]
    assert (labels["team"], labels["istio-injection"]) == ("a", "enabled")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (SERVICE.replace("Service", "Servise"), 'no matches for kind "Servise" in version "v1"'),
        (SERVICE.replace("v1", "v9"), 'no matches for kind "Service" in version "v9"'),
        (SERVICE.replace("apiVersion: v1\n", ""), "has no apiVersion"),
        (SERVICE.replace("name: extra", ""), "metadata.name is required"),
        (SERVICE.replace("extra", "Extra_1"), "Invalid value"),
        (SERVICE.replace("extra", "extra, namespace: none"), 'namespaces "none" not found'),
        ("# nothing", "there is no manifest"),
    ],
    ids=["kind", "version", "no version", "no name", "name", "namespace", "nothing"],
)
def test_what_an_api_server_refuses_of_a_manifest_is_refused(text: str, why: str) -> None:
    world = play("healthy")
    with pytest.raises(EditError) as caught:
        list(pasted(world.cluster, text))
    assert why in str(caught.value)
    assert not world.has_changed

"""Users' own playbooks, causes, checks and analyzers."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import cel
import pytest
import yaml

from meshdoctor.cli import run
from meshdoctor.diagnose.library import causes
from meshdoctor.diagnose.lint_checks import FUNCTIONS
from meshdoctor.extension.folders import use
from meshdoctor.resources import recordings_root
from tests.conftest import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EXAMPLE = CHECKOUT / "docs" / "extending" / "example"
HEALTHY = str(recordings_root() / "healthy.tar.gz")
BROKEN = str(recordings_root() / "service-selector-mismatch.tar.gz")


@pytest.fixture(autouse=True)
def nothing_of_a_users_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("MESHDOCTOR_CONFIG", str(tmp_path / "no-config.yaml"))
    monkeypatch.delenv("MESHDOCTOR_PLAYBOOKS", raising=False)
    yield
    use(())


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A copy of the example, to be changed."""
    folder = tmp_path / "own"
    shutil.copytree(EXAMPLE, folder)
    return folder


def found(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    run(["diagnose", "-o", "json", *arguments])
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def roots(answer: dict[str, Any]) -> set[tuple[str, str]]:
    return {(cause["id"], cause["objects"][0]) for cause in answer["root_causes"]}


def refusal(capsys: pytest.CaptureFixture[str], folder: Path) -> str:
    capsys.readouterr()
    assert run(["diagnose", HEALTHY, "--playbooks", str(folder)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1, said.err
    return said.err


def change(file: Path, **changes: Any) -> None:
    document = yaml.safe_load(file.read_text())
    (document[0] if isinstance(document, list) else document).update(changes)
    file.write_text(yaml.safe_dump(document))


def test_the_example_is_sound(capsys: pytest.CaptureFixture[str]) -> None:
    before = len(causes())
    assert run(["playbooks", "lint", "--playbooks", str(EXAMPLE)]) == 0
    assert capsys.readouterr().out == (
        f"23 playbooks, {before + 1} causes and 2 checks are sound\n"
    )


def test_a_check_leads_through_a_playbook_to_a_root_cause_of_ones_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert roots(found(capsys, HEALTHY)) == set()
    answer = found(capsys, HEALTHY, "--playbooks", str(EXAMPLE))
    names = ("client-v1", "ratings-v1", "reviews-v1", "reviews-v2", "web-v1")
    mine = {("single-replica", f"Deployment shop/{name}") for name in names}
    assert roots(answer) == {*mine, ("single-replica", "Deployment pay/payments-v1")}
    first = answer["root_causes"][0]
    assert (first["certainty"], first["playbook"]) == ("proven", "restarts-interrupt")
    assert first["evidence"][0]["pointer"].endswith("/spec/replicas")
    codes = {finding["code"] for finding in answer["findings"]}
    assert {"TEAM001", "TEAM002", "TEAM101"} <= codes


def test_what_is_bundled_is_found_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    without = roots(found(capsys, BROKEN))
    answer = roots(found(capsys, BROKEN, "--playbooks", str(EXAMPLE)))
    assert {one for one in answer if one[0] != "single-replica"} == without != set()


def test_the_environment_and_the_configuration_name_folders_as_well(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, own: Path
) -> None:
    monkeypatch.setenv("MESHDOCTOR_PLAYBOOKS", str(EXAMPLE))
    assert len(roots(found(capsys, HEALTHY))) == 6
    monkeypatch.delenv("MESHDOCTOR_PLAYBOOKS")
    assert roots(found(capsys, HEALTHY)) == set()
    config = own.parent / "config.yaml"
    config.write_text("playbooks: own\n")
    monkeypatch.setenv("MESHDOCTOR_CONFIG", str(config))
    assert len(roots(found(capsys, HEALTHY))) == 6


def test_every_report_takes_codes_of_ones_own(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for form in ("markdown", "html", "json", "sarif", "junit", "text"):
        file = tmp_path / f"report.{form}"
        words = ["report", HEALTHY, "--playbooks", str(EXAMPLE), "-f", form, "-o", str(file)]
        assert run(words) == 1
        assert "TEAM001" in file.read_text()
    capsys.readouterr()


def test_what_changed_knows_root_causes_of_ones_own(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """One of two pods is left: what was fine is a root cause of the user's own now."""
    before = tmp_path / "before"
    shutil.unpack_archive(HEALTHY, before, filter="data")
    file = before / "kubernetes" / "apps" / "v1" / "deployments.json"
    document = json.loads(file.read_text())
    for item in document["items"]:
        item["spec"]["replicas"] = 2
    file.write_text(json.dumps(document))
    assert run(["diff", str(before), HEALTHY]) != 1
    assert "single-replica" not in capsys.readouterr().out
    assert run(["diff", str(before), HEALTHY, "--playbooks", str(EXAMPLE)]) == 1
    said = capsys.readouterr().out
    assert "single-replica" in said
    assert "spec.replicas: 2 → 1" in said
    assert run(["diff", str(before), HEALTHY, "--playbooks", str(tmp_path / "none")]) == 2


def test_an_unread_kind_is_unknown(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = tmp_path / "mesh"
    shutil.unpack_archive(HEALTHY, folder, filter="data")
    (folder / "kubernetes" / "apps" / "v1" / "deployments.json").unlink()
    answer = found(capsys, str(folder), "--playbooks", str(EXAMPLE))
    assert roots(answer) == set()
    assert "single-replica" in {item["id"] for item in answer["unknown"]}


def only(own: Path, check: dict[str, Any]) -> Path:
    """A folder of one check and nothing else."""
    folder = own.parent / "one-check"
    (folder / "checks").mkdir(parents=True)
    whole = {"title": "t", "severity": "info", "fix": "f", "for": ["Service"], "message": "m"}
    (folder / "checks" / "one.yaml").write_text(yaml.safe_dump({"code": "OWN001", **whole} | check))
    return folder


def unknown_of(answer: dict[str, Any]) -> dict[str, str]:
    return {item["id"]: item["why_missing"] for item in answer["unknown"]}


def test_a_check_without_a_cause_that_trips_is_unknown_and_not_passed(
    own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = only(own, {"fails": "object.spec.nothing == 1"})
    said = unknown_of(found(capsys, HEALTHY, "--playbooks", str(folder)))
    assert "there is no 'nothing' (has() asks for a field)" in said["OWN001"]
    assert run(["diagnose", HEALTHY, "--playbooks", str(folder)]) == 4
    assert "? OWN001\n" in capsys.readouterr().out
    asked = found(capsys, HEALTHY, "--playbooks", str(folder), "-s", "mtls")
    assert "OWN001" not in unknown_of(asked)


def test_a_check_without_a_cause_that_passes_is_not_unknown(
    own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = only(own, {"fails": "has(object.spec.nothing)"})
    assert unknown_of(found(capsys, HEALTHY, "--playbooks", str(folder))) == {}
    assert run(["diagnose", HEALTHY, "--playbooks", str(folder)]) == 0


def test_a_check_of_a_kind_that_was_not_read_is_unknown(
    own: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    mesh = tmp_path / "mesh"
    shutil.unpack_archive(HEALTHY, mesh, filter="data")
    (mesh / "kubernetes" / "apps" / "v1" / "deployments.json").unlink()
    folder = only(own, {"for": ["Deployment"], "fails": "false"})
    answer = found(capsys, str(mesh), "--playbooks", str(folder))
    assert "OWN001" in unknown_of(answer)


@pytest.mark.parametrize(
    ("line", "said"),
    [("raise KeyError('x')", "KeyError: 'x'"), ("str(service.nothing)", "AttributeError: ")],
)
def test_an_analyzer_that_fails_leaves_its_codes_unknown(
    line: str, said: str, own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = own / "analyzers/http_ports.py"
    loop = "        for service in mesh.catalog.of(SERVICE):\n"
    assert loop in file.read_text()
    file.write_text(file.read_text().replace(loop, f"{loop}            {line}\n"))
    answer = found(capsys, HEALTHY, "--playbooks", str(own))
    assert len(roots(answer)) == 6
    assert f"analyzer team-http-ports failed: {said}" in unknown_of(answer)["TEAM101"]


def test_an_analyzer_that_emits_a_code_it_does_not_name_has_failed(
    own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = own / "analyzers/http_ports.py"
    file.write_text(file.read_text().replace('"TEAM101", f"object', '"TEAM999", f"object'))
    answer = found(capsys, HEALTHY, "--playbooks", str(own))
    assert "emits TEAM999" in unknown_of(answer)["TEAM101"]


@pytest.mark.parametrize(
    ("file", "changes", "said"),
    [
        (
            "checks/workloads.yaml",
            {"severity": "grave"},
            "TEAM001: severity: 'grave' is not one of",
        ),
        ("checks/workloads.yaml", {"code": "MD0001"}, "code: "),
        ("checks/workloads.yaml", {"fails": "object.spec.("}, "'object.spec.(' is not CEL"),
        ("checks/workloads.yaml", {"fails": "obect.spec.x"}, "expressions know no 'obect'"),
        ("checks/workloads.yaml", {"fails": "lower(object.kind) == 'x'"}, "no function lower()"),
        ("checks/workloads.yaml", {"for": ["Deploy"]}, "no kind is called 'Deploy'"),
        ("checks/workloads.yaml", {"message": "{who} fails"}, "nothing is known as {who}"),
        ("checks/workloads.yaml", {"fact": "other"}, "fact other is none that single-replica asks"),
        ("causes/single-replica.yaml", {"inputs": ["kubernetes/apps/x"]}, "no analyzer declares"),
        ("causes/single-replica.yaml", {"id": "outlier-ejection"}, "'outlier-ejection'"),
        ("playbooks/restarts-interrupt.yaml", {"subject": "pod"}, "subject: 'pod' is not one of"),
        ("playbooks/restarts-interrupt.yaml", {"id": "503"}, "id is '503', the file says"),
    ],
)
def test_what_is_not_sound_is_refused_with_its_file_and_reason(
    file: str, changes: dict[str, Any], said: str, own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(own / file, **changes)
    text = refusal(capsys, own)
    assert str(own / file) in text
    assert said in text


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("checks/workloads.yaml", "- code: [", "not YAML"),
        ("analyzers/http_ports.py", "import nothing_of_that_name", "ModuleNotFoundError"),
        ("analyzers/http_ports.py", "X = 1", "has no ANALYZER"),
        ("analyzers/http_ports.py", "ANALYZER = 5", "http_ports.py: ANALYZER has no name, desc"),
        ("codes.yaml", "a: b", "codes.yaml: a code has a code, a title, a severity"),
        ("codes.yaml", "[]", "code TEAM101 is not registered"),
        ("playbooks/restarts-interrupt.yaml", "- a list", "document: ['a list'] is not of type"),
    ],
)
def test_files_that_are_something_else_are_refused(
    file: str, text: str, said: str, own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (own / file).write_text(text)
    assert said in refusal(capsys, own)


@pytest.mark.parametrize(
    ("written", "said"),
    [(b"a: 1\nb: [1, {\n", ":3: not YAML: "), (b"\xf5\x00", ": not YAML: 'utf-8'")],
    ids=["cut short", "binary"],
)
@pytest.mark.parametrize("file", ["checks/x.yaml", "causes/x.yaml", "codes.yaml"])
def test_a_file_that_is_not_yaml_is_named(
    file: str, written: bytes, said: str, own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (own / file).write_bytes(written)
    assert f"{own / file}{said}" in refusal(capsys, own)
    assert run(["playbooks", "lint", "--playbooks", str(own)]) == 1
    assert capsys.readouterr().out.startswith(f"{own / file}{said}")


def test_a_folder_with_nothing_to_use_in_it_is_refused(
    own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert f"{own / 'checks'}: holds none of playbooks/" in refusal(capsys, own / "checks")


def test_yml_is_yaml_too(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for file in (*own.glob("*/*.yaml"),):
        file.rename(file.with_suffix(".yml"))
    assert len(roots(found(capsys, HEALTHY, "--playbooks", str(own)))) == 6


TIME = "timestamp('2026-01-02T03:04:05Z')"


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_the_functions_that_lint_lets_pass_are_there(name: str) -> None:
    of = {"duration": "'1h'", "timestamp": "'2026-01-02T03:04:05Z'", "bytes": "'a'"}
    if name.startswith("get"):
        text = f"{TIME}.{name}() >= 0"
    elif name in ("contains", "startsWith", "endsWith", "matches"):
        text = f"'ab'.{name}('a') || true"
    else:
        given = "'a'" if name == "size" else "1"
        text = f"{name}({of.get(name, given)}) != null"
    assert cel.compile(text).execute({}) is True


@pytest.mark.parametrize(
    ("code", "said"),
    [("TEAM001", "is taken by"), ("MD0111", "is taken by meshdoctor"), ("MD9999", "own prefix")],
)
def test_a_code_that_is_taken_or_meshdoctors_is_refused(
    code: str, said: str, own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(own / "codes.yaml", code=code)
    text = refusal(capsys, own)
    assert f"{own / 'codes.yaml'}: code {code}" in text
    assert said in text


def test_lint_says_everything_that_is_wrong(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(own / "checks/workloads.yaml", message="{who} fails", fact="other")
    assert run(["playbooks", "lint", "--playbooks", str(own)]) == 1
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_a_folder_that_is_not_there_and_a_broken_configuration_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "is no folder of playbooks" in refusal(capsys, tmp_path / "none")
    config = tmp_path / "config.yaml"
    monkeypatch.setenv("MESHDOCTOR_CONFIG", str(config))
    for text, said in (
        ("playbooks: {", "is not YAML"),
        ("playbooks: 3", "is a folder or a list"),
        ("playboks: [own]", "config.yaml knows playbooks, and no playboks"),
    ):
        config.write_text(text)
        assert run(["diagnose", HEALTHY]) == 2
        assert said in capsys.readouterr().err

"""Writing drills: ``drill new``, ``drill lint FILES``, and a folder of one's own."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from meshdoctor.cli import _COMMANDS, run
from meshdoctor.cli.completion import kubectl_lines
from meshdoctor.cli.drill import command
from meshdoctor.drill.library import drills
from meshdoctor.exit_codes import ExitCode
from meshdoctor.resources import recordings_root
from tests.conftest import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., tuple[int, str, str]]

D08 = (CHECKOUT / "meshdoctor" / "drill" / "drills" / "D08.yaml").read_text()


@pytest.fixture
def drill(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: object) -> tuple[int, str, str]:
        code = run(["drill", *map(str, words)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def test_a_new_drill_names_what_is_left_to_do(drill: Run, tmp_path: Path) -> None:
    code, out, err = drill("new", "TEAM-1", "--from", "mtls-conflict", "-o", tmp_path / "own")
    path = tmp_path / "own" / "TEAM-1.yaml"
    assert (code, out) == (ExitCode.OK, f"{path}\n")
    code, out, _ = drill("lint", path)
    assert code == ExitCode.ROOT_CAUSE
    assert err.startswith(f"{len(out.splitlines())} places are left to you")
    assert all("still says TODO" in line for line in out.splitlines())
    assert path.read_text().startswith("# Written by meshdoctor drill new.")


def test_a_recording_of_ones_own_is_named_by_its_path_from_the_drill(
    drill: Run, tmp_path: Path
) -> None:
    recording = tmp_path / "taken" / "prod.tar.gz"
    recording.parent.mkdir()
    shutil.copy(recordings_root() / "mtls-conflict.tar.gz", recording)
    assert drill("new", "TEAM-1", "--from", recording, "-o", tmp_path / "own")[0] == ExitCode.OK
    written = yaml.safe_load((tmp_path / "own" / "TEAM-1.yaml").read_text())
    assert written["recording"] == "../taken/prod.tar.gz"
    code, out, _ = drill("show", "TEAM-1", "--drills", tmp_path / "own")
    assert code == ExitCode.OK
    assert out.startswith("TEAM-1  securing-workloads")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("team 1", "--from", "mtls-conflict"), "'team 1' is no id: write capitals"),
        (("D08", "--from", "mtls-conflict"), "D08 is a bundled drill's id"),
        (("TEAM-1", "--from", "nowhere.tar.gz"), "nowhere.tar.gz does not exist"),
    ],
    ids=["id", "taken", "recording"],
)
def test_a_new_drill_that_cannot_be_is_one_line(
    words: tuple[str, ...], says: str, drill: Run, tmp_path: Path
) -> None:
    code, out, err = drill("new", *words, "-o", tmp_path)
    assert (code, out, err.count("\n")) == (ExitCode.USAGE, "", 1)
    assert says in err
    assert list(tmp_path.iterdir()) == []


def test_a_new_drill_writes_over_nothing(drill: Run, tmp_path: Path) -> None:
    (tmp_path / "TEAM-1.yaml").write_text("mine")
    code, _, err = drill("new", "TEAM-1", "--from", "mtls-conflict", "-o", tmp_path)
    assert code == ExitCode.USAGE
    assert "exists; drill new never writes over a file" in err
    assert (tmp_path / "TEAM-1.yaml").read_text() == "mine"


def test_own_drills_are_listed_beside_the_bundled_ones_by_option_and_environment(
    drill: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "TEAM-1.yaml").write_text(D08.replace("id: D08", "id: TEAM-1"))
    (tmp_path / "TEAM-2.yaml").write_text("id: TEAM-2\n")
    _, out, err = drill("list", "--drills", tmp_path, "-o", "json")
    assert {one["id"] for one in json.loads(out)} == {one.id for one in drills()} | {"TEAM-1"}
    assert err == (
        f"meshdoctor: {tmp_path / 'TEAM-2.yaml'} is no drill yet: meshdoctor drill lint says why\n"
    )
    monkeypatch.setenv("MESHDOCTOR_DRILLS", str(tmp_path))
    assert drill("list", "-o", "json")[1] == out
    assert drill("list", "--drills", tmp_path / "none")[0] == ExitCode.USAGE


def test_lint_of_files_says_nothing_of_other_drills(drill: Run, tmp_path: Path) -> None:
    good, bad = tmp_path / "TEAM-1.yaml", tmp_path / "TEAM-2.yaml"
    good.write_text(D08.replace("id: D08", "id: TEAM-1"))
    bad.write_text(D08.replace("id: D08", "id: TEAM-3"))
    assert drill("lint", good, "--play") == (ExitCode.OK, "1 drill is sound\n", "")
    code, out, err = drill("lint", good, bad)
    assert (code, err) == (ExitCode.ROOT_CAUSE, "meshdoctor: 1 problem in the drills\n")
    assert out == f"{bad}: id is 'TEAM-3', the file says otherwise\n"
    assert drill("lint", "--drills", tmp_path)[1] == out
    bundled = CHECKOUT / "meshdoctor" / "drill" / "drills" / "D08.yaml"
    assert drill("lint", bundled) == (ExitCode.OK, "1 drill is sound\n", "")


def test_an_own_drill_is_played_in_the_foreground_until_it_is_interrupted(tmp_path: Path) -> None:
    own, data = tmp_path / "own", tmp_path / "data"
    own.mkdir()
    shutil.copy(recordings_root() / "subset-not-defined.tar.gz", own / "mesh.tar.gz")
    text = D08.replace("id: D08", "id: TEAM-1")
    (own / "TEAM-1.yaml").write_text(
        text.replace("recording: subset-not-defined", "recording: mesh.tar.gz")
    )
    words = ["drill", "start", "team-1", "--foreground", "--drills", str(own)]
    server = subprocess.Popen(
        [sys.executable, "-m", "meshdoctor", *words],
        cwd=CHECKOUT,
        env={**os.environ, "MESHDOCTOR_DATA": str(data)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    said = ""
    while "export KUBECONFIG=" not in said:
        line = server.stdout.readline()
        assert line, said
        said += line
    assert said.startswith("TEAM-1  traffic-management")
    kubeconfig = Path(said.splitlines()[-1].removeprefix("export KUBECONFIG="))
    assert kubeconfig.is_file()
    server.send_signal(signal.SIGINT)
    _, err = server.communicate(timeout=20)
    assert server.returncode == ExitCode.OK
    assert err == (
        "Serving until Ctrl-C or meshdoctor drill stop.\n"
        "\nTEAM-1 was broken off; nothing was recorded.\n"
    )
    assert list(data.iterdir()) == []


def _keys(schema: object) -> set[str]:
    """Every key that a schema knows."""
    if isinstance(schema, list):
        return set().union(*map(_keys, schema)) if schema else set()
    if not isinstance(schema, dict):
        return set()
    own = set(schema.get("properties", {}))
    return own.union(*(_keys(one) for one in schema.values())) if schema else own


def test_drills_name_commands_that_there_are() -> None:
    named = {
        (drill.id, word)
        for drill in drills()
        for word in re.findall(r"meshdoctor ([a-z]+(?:-[a-z]+)*)", repr(drill))
    }
    assert len(named) > 20
    assert {one for one in named if one[1] not in _COMMANDS} == set()


def test_the_guide_names_every_key_of_the_schema_and_every_command() -> None:
    guide = (CHECKOUT / "docs" / "drills.md").read_text()
    schema = json.loads((CHECKOUT / "meshdoctor" / "drill" / "drill.schema.json").read_text())
    keys = _keys(schema)
    assert {"hints", "set-image", "one_of", "except"} <= keys
    assert [
        key for key in sorted(keys) if f"`{key}`" not in guide and f"`{key}:" not in guide
    ] == []
    for name in command.commands:
        assert f"drill {name}" in guide, name


def test_names_of_drills_and_of_causes_are_completed(tmp_path: Path) -> None:
    (tmp_path / "D0-OWN.yaml").write_text(D08.replace("id: D08", "id: D0-OWN"))
    bundled = [f"{one.id}\t{one.domain}" for one in drills() if one.id.startswith("D0")]
    assert kubectl_lines(["drill", "start", "D0"])[:-1] == bundled
    own = kubectl_lines(["drill", "start", "--drills", str(tmp_path), "D0"])
    assert own[:-1] == ["D0-OWN\ttraffic-management", *bundled]
    assert kubectl_lines(["drill", "suppose", "subset-n"])[:-1] == ["subset-not-defined"]

"""Completion in shells and under kubectl, and examples that work."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING

import click
import pytest
import yaml

from meshdoctor import __version__
from meshdoctor.cli import _COMMANDS, root, run
from meshdoctor.cli.completion import kubectl_lines
from meshdoctor.cli.examples import EXAMPLES
from meshdoctor.resources import recordings_root
from tests.conftest import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

HEALTHY = str(recordings_root() / "healthy.tar.gz")
RECIPES = CHECKOUT / "docs" / "recipes"


def test_commands_are_offered_with_what_they_do_and_none_is_imported() -> None:
    script = (
        "import sys; from meshdoctor.cli.completion import kubectl_lines;"
        "print(*kubectl_lines(['']), sep='\\n');"
        "assert 'meshdoctor.cli.diagnose' not in sys.modules"
    )
    out = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=CHECKOUT
    ).stdout
    assert [line.split("\t")[0] for line in out.splitlines()] == [*_COMMANDS, ":4"]


def test_options_are_offered() -> None:
    assert [line.split("\t")[0] for line in kubectl_lines(["diagnose", "--sym"])] == [
        "--symptom",
        ":4",
    ]


def test_playbooks_are_offered_as_symptoms() -> None:
    offered = [line.split("\t")[0] for line in kubectl_lines(["diagnose", "-s", "m"])]
    assert "mtls-conflict" in offered
    assert all(line.startswith("m") for line in offered[:-1])


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["diagnose", HEALTHY, "-n", "s"], ["shop"]),
        (["trace", "-r", HEALTHY, "--from", "deploy/c"], ["deploy/client-v1"]),
        (["diagnose", HEALTHY, "--to", "pay"], ["payments.pay.svc.cluster.local:8080"]),
    ],
)
def test_names_come_from_the_recording_on_the_line(words: list[str], offered: list[str]) -> None:
    assert [line.split("\t")[0] for line in kubectl_lines(words)] == [*offered, ":4"]


def test_without_a_recording_no_cluster_is_asked_for_names(no_network: None) -> None:
    assert kubectl_lines(["diagnose", "-n", ""]) == [":4"]


def test_what_is_no_recording_offers_nothing(tmp_path: Path) -> None:
    (tmp_path / "mesh.tar.gz").write_bytes(b"no archive")
    assert kubectl_lines(["diagnose", str(tmp_path / "mesh.tar.gz"), "-n", ""]) == [":4"]


def test_a_recording_is_completed_as_a_file_by_the_shell() -> None:
    assert kubectl_lines(["diagnose", "mes"]) == [":0"]


def test_contexts_come_from_the_kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("prod-eu", "prod-us", "test")
    contexts = [{"name": name, "context": {"cluster": "c"}} for name in names]
    config = {"kind": "Config", "current-context": "prod-us", "contexts": contexts}
    (tmp_path / "config").write_text(yaml.safe_dump(config))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    assert kubectl_lines(["diagnose", "--context", "prod"]) == ["prod-eu", "prod-us\tcurrent", ":4"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell_asks_meshdoctor(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["completion", shell]) == 0
    assert f"_MESHDOCTOR_COMPLETE={shell}_complete" in capsys.readouterr().out


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_bash_completes_a_command(tmp_path: Path) -> None:
    program = tmp_path / "meshdoctor"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m meshdoctor "$@"\n')
    program.chmod(0o755)
    script = (
        "source <(meshdoctor completion bash); COMP_WORDS=(meshdoctor certi); COMP_CWORD=1;"
        '_meshdoctor_completion meshdoctor certi meshdoctor; echo "${COMPREPLY[@]}"'
    )
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    out = subprocess.run(
        ["bash", "-c", script],
        capture_output=True,
        text=True,
        check=True,
        cwd=CHECKOUT,
        env=environment,
    ).stdout
    assert out.split() == ["certificates"]


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_kubectl_finds_the_plugin_and_completes_it(tmp_path: Path) -> None:
    scripts = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["scripts"]
    for name, target in scripts.items():
        module, _, function = target.partition(":")
        call = f"import sys; from {module} import {function}; sys.exit({function}())"
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, "-c", call])} "$@"\n')
        program.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(tmp_path)}

    def kubectl(*words: str) -> str:
        command = ["kubectl", *words]
        return subprocess.run(
            command, capture_output=True, text=True, check=True, cwd=CHECKOUT, env=environment
        ).stdout

    assert kubectl("meshdoctor", "--version") == f"meshdoctor, version {__version__}\n"
    offered = kubectl("__complete", "meshdoctor", "certi").splitlines()
    assert [line.split("\t")[0] for line in offered] == ["certificates", ":4"]


def commands_of(text: str) -> list[list[str]]:
    """Every call of meshdoctor in lines of a shell, as its arguments."""
    found = []
    for line in text.splitlines():
        for part in line.partition("||")[0].split("|"):
            words = shlex.split(part.partition(">>")[0], comments=True)
            if words[:1] == ["meshdoctor"]:
                found.append(words[1:])
    return found


def accepts(arguments: list[str]) -> None:
    """Parse arguments as the command line does, without doing anything."""
    context = root.make_context("meshdoctor", list(arguments))
    command: click.Command | None = root
    words = list(arguments)
    while isinstance(command, click.Group) and words:
        command = command.get_command(context, words.pop(0))
        assert command is not None, arguments
    assert command is not None
    command.make_context("meshdoctor", words)


@pytest.mark.parametrize("name", list(_COMMANDS))
def test_the_examples_of_every_command_are_ones_it_takes(name: str) -> None:
    assert EXAMPLES[name]
    for line, _ in EXAMPLES[name]:
        (arguments,) = commands_of(line)
        if arguments:
            assert arguments[0] == name
            accepts(arguments)


def test_what_a_command_says_of_itself_stands_beside_its_examples(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for _ in range(2):
        run(["serve", "--help"])
        said = capsys.readouterr().out
        assert said.count("Examples:") == 1
        assert "deny:" in said.partition("Examples:")[2]
        assert "Faults" in said


def test_the_recipe_for_github_is_a_workflow_whose_commands_meshdoctor_takes() -> None:
    workflow = yaml.safe_load((RECIPES / "github-action.yml").read_text())
    steps = workflow["jobs"]["diagnose"]["steps"]
    calls = [one for step in steps for one in commands_of(step.get("run", ""))]
    assert [one[0] for one in calls] == ["record", "report", "report", "report"]
    for one in calls:
        accepts(one)


def test_the_recipe_for_an_image_installs_from_the_lock_and_runs_without_root() -> None:
    text = (RECIPES / "Containerfile").read_text()
    assert "--require-hashes -r requirements/run.lock" in text
    assert "USER 65532" in text
    assert 'ENTRYPOINT ["meshdoctor"]' in text

"""kubectl waits for what happens, and what it may do is told it beforehand."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from meshdoctor.serve.faults import Faults
from tests.serve.kubectl_judge import Kubectl, judging, needs_kubectl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = needs_kubectl


@pytest.fixture
def kubectl(tmp_path: Path) -> Iterator[Kubectl]:
    with judging(tmp_path, "healthy") as judge:
        yield judge


def lines_of(kubectl: Kubectl, number: int, *words: str, write: tuple[str, ...]) -> list[str]:
    """The first lines of a command that goes on, once something was written meanwhile."""
    process = subprocess.Popen(
        [*kubectl.command, *words],
        env=kubectl.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        found = [process.stdout.readline() for _ in range(number - 1)]
        kubectl(*write)
        found.append(process.stdout.readline())
        process.terminate()
    return [" ".join(line.split()) for line in found]


def test_a_watch_shows_what_stands_and_then_what_is_written(kubectl: Kubectl) -> None:
    head, row, news = lines_of(
        kubectl,
        3,
        *("get", "pods", "-n", "pay", "-w", "--output-watch-events", "--show-labels"),
        write=("label", "pods", "-n", "pay", "--all", "tier=back"),
    )
    assert head == "EVENT NAME READY STATUS RESTARTS AGE LABELS"
    assert row.startswith("ADDED payments-v1-579c57fffc-nnzg8 2/2 Running 0 1")
    assert news.startswith("MODIFIED payments-v1-579c57fffc-nnzg8")
    assert "tier=back" in news


def test_a_watch_tells_of_a_delete(kubectl: Kubectl) -> None:
    *_, news = lines_of(
        kubectl,
        3,
        *("get", "dr", "-A", "-w", "--output-watch-events"),
        write=("delete", "dr", "reviews", "-n", "shop"),
    )
    assert news.startswith("DELETED shop reviews reviews 1")


def test_wait_ends_when_its_condition_holds(kubectl: Kubectl) -> None:
    said = kubectl("wait", "--for=condition=Ready", "pods", "-n", "shop", "--all", "--timeout=5s")
    assert said.count("condition met") == 5
    late = kubectl.refusal("wait", "--for=delete", "svc/web", "-n", "shop", "--timeout=1s")
    assert "timed out waiting for the condition" in late


def test_one_may_do_all_that_no_fault_denies(kubectl: Kubectl) -> None:
    assert kubectl("auth", "can-i", "list", "pods", "-A") == "yes\n"
    assert kubectl("auth", "can-i", "get", "pods", "--subresource=log") == "yes\n"
    assert "meshdoctor" in kubectl("auth", "whoami")
    assert "virtualservices.networking.istio.io" in kubectl("auth", "can-i", "--list")


def test_what_a_fault_denies_is_denied_in_the_review_and_in_the_act(tmp_path: Path) -> None:
    with judging(tmp_path, "healthy", Faults("deny:list:secrets")) as kubectl:
        done = kubectl.run("auth", "can-i", "list", "secrets")
        assert (done.returncode, done.stdout.splitlines()[0].split()[0]) == (1, "no")
        said = kubectl.refusal("get", "secrets", "-A")
        assert said.startswith("Error from server (Forbidden): secrets is forbidden")
        assert kubectl("auth", "can-i", "list", "pods") == "yes\n"

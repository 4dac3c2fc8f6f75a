"""Every capture under other names and ports: the same cause at the renamed object."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from meshdoctor.exit_codes import ExitCode
from meshdoctor.report.verdict import exit_code
from tests.captures.editing import Copy, named
from tests.captures.renaming import renamed, write_renamed
from tests.captures.sharing import one_in
from tests.captures.test_every_capture import _EXPECTED, _HEALTHY, _KNOWN

if TYPE_CHECKING:
    from pathlib import Path

_AS_ITS_CHART_NAMES_IT = {
    "injector-webhook-deleted": "MutatingWebhookConfiguration istio-sidecar-injector-servicemesh"
}
"""Istio's chart puts the namespace behind the webhook's name where it is not istio-system."""


@pytest.mark.usefixtures("captures_root", "no_network")
class TestOtherNames:
    @pytest.mark.parametrize("name", one_in(2, _KNOWN))
    def test_the_same_cause_is_named_at_the_renamed_object(self, name: str, tmp_path: Path) -> None:
        write_renamed(name, tmp_path, ports=True)
        said = _EXPECTED[name]
        objects = [renamed(item, ports=True) for item in said["objects"]]
        objects.append(_AS_ITS_CHART_NAMES_IT.get(name, objects[0]))
        ((cause, culprit),) = named(Copy(tmp_path).answer())
        assert cause == said["root_cause"]
        assert culprit in objects

    @pytest.mark.parametrize("name", _HEALTHY)
    def test_a_healthy_mesh_stays_healthy(self, name: str, tmp_path: Path) -> None:
        write_renamed(name, tmp_path, ports=True)
        found = Copy(tmp_path).answer()
        assert named(found) == []
        assert exit_code(found) is ExitCode.OK


@pytest.mark.usefixtures("captures_root")
def test_no_name_of_the_captures_is_left_in_what_is_read_as_a_name(tmp_path: Path) -> None:
    write_renamed("healthy", tmp_path)
    mesh = Copy(tmp_path).mesh
    namespaces = {pod.rpartition(".")[2] for pod in mesh.proxies}
    assert namespaces == {"bazaar", "team-till", "servicemesh"}

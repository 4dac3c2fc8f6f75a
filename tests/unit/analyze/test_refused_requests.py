from __future__ import annotations

import pytest

from meshdoctor.analyze.refused_requests import ANALYZER
from tests.build import mesh
from tests.unit.analyze.traffic_build import client, line, problems, shop


@pytest.mark.parametrize(
    ("status", "details", "code"),
    [(426, "low_version", "MD0138"), (431, "http1.headers_too_large", "MD0139")],
)
def test_requests_that_a_proxy_refuses_for_their_form(status: int, details: str, code: str) -> None:
    refused = line(code=status, details=details)
    (found,) = problems(ANALYZER, mesh(shop(), proxies=[client(refused, refused)]))
    assert (found.code, found.root, found.objects[0]) == (code, False, "Deployment shop/client-v1")
    assert "ratings.shop.svc.cluster.local" in found.message


def test_an_application_may_give_such_answers_itself() -> None:
    assert problems(ANALYZER, mesh(shop(), proxies=[client(line(code=426))])) == []


def test_old_refusals_are_no_news() -> None:
    refused = line(code=426, details="low_version", seconds_ago=600)
    assert problems(ANALYZER, mesh(shop(), proxies=[client(refused)])) == []

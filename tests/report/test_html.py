"""The HTML report: one file, nothing fetched, readable by everybody, looked at in a browser."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from meshdoctor.model.finding import Outcome
from meshdoctor.report.formats import Format, render
from meshdoctor.report.html import html
from meshdoctor.report.report_json import report_json
from tests.report.documents import ALL, FIVE, document, masked_document

VOID = {"meta", "link", "br", "input"}
STYLE = Path(__file__).parents[2] / "meshdoctor" / "report" / "templates" / "report.css"


@dataclass
class Page(HTMLParser):
    """A page's tags, in order; fails on one that is closed without being open."""

    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def of(self, *names: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag in names]


def parsed(text: str) -> Page:
    page = Page()
    page.feed(text)
    page.close()
    return page


@cache
def page_of(name: str) -> Page:
    return parsed(render(document(name), Format.HTML))


@pytest.mark.parametrize("name", ALL)
def test_every_tag_is_closed_and_every_id_is_there_once(name: str) -> None:
    page = page_of(name)
    assert page.open == []
    ids = Counter(attributes["id"] for _, attributes in page.tags if "id" in attributes)
    assert [id_ for id_, count in ids.items() if count > 1] == []
    named = [
        target
        for _, attributes in page.tags
        for key in ("aria-labelledby", "for")
        for target in (attributes.get(key) or "").split()
    ]
    links = [str(link["href"])[1:] for link in page.of("a") if str(link["href"]).startswith("#")]
    assert set(named) | set(links) <= set(ids)
    assert len(links) >= 8


@pytest.mark.parametrize("name", ALL)
def test_nothing_is_fetched_but_what_a_person_clicks(name: str) -> None:
    page = page_of(name)
    assert [a for _, a in page.tags if {"src", "srcset", "action", "xlink:href"} & a.keys()] == []
    assert [link["href"] for link in page.of("link")] == ["data:,"]
    (policy,) = [m["content"] for m in page.of("meta") if "http-equiv" in m]
    assert str(policy).startswith("default-src 'none'")
    assert "url(" not in STYLE.read_text("utf-8")
    assert "@import" not in STYLE.read_text("utf-8")


@pytest.mark.parametrize("name", ALL)
def test_landmarks_headings_captions_and_labels_are_there(name: str) -> None:
    page = page_of(name)
    assert page.tags[0] == ("html", {"lang": "en"})
    for landmark in ("header", "nav", "main", "footer", "h1", "title"):
        wanted = len(page.of("svg")) + 1 if landmark == "title" else 1
        assert len(page.of(landmark)) == wanted, landmark
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert len(page.of("caption")) == len(page.of("table")) >= 2
    assert all(head.get("scope") in ("col", "row") for head in page.of("th"))
    assert len(page.of("label")) == len(page.of("input")) == len(page.of("output"))
    assert all(svg["role"] == "img" for svg in page.of("svg"))


def test_each_root_cause_has_its_request_path_and_its_walk_drawn_in_words_too() -> None:
    page, (cause,) = (
        page_of("subset-not-defined"),
        document("subset-not-defined").diagnosis.root_causes,
    )
    assert len(page.of("svg")) == 3
    text = " ".join(page.texts)
    assert f"{cause.affected[0].source} → {cause.affected[0].to}. It breaks at" in text
    for step in cause.path:
        assert (step.question in text) is (step.outcome is not Outcome.SKIP)


@pytest.mark.parametrize("name", ALL)
def test_everything_that_json_tells_a_reader_is_on_the_page(name: str) -> None:
    text = " ".join(" ".join(page_of(name).texts).split())
    told = report_json(document(name))
    for cause in told["root_causes"]:
        for fix in cause["fix"]:
            assert {
                key for key, words in fix.items() if " ".join(words.split()) not in text
            } == set()
    for item in (*told["findings"], *told["ruled_out"], *told["unknown"], *told["not_read"]):
        for key in ("message", "because", "why_missing", "id", "code"):
            assert str(item.get(key, "")) in text
    for item in told["ran"]["playbooks"]:
        assert item["id"] in text


EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'`]]>{{ 7*7 }}"


def test_what_a_recording_says_never_becomes_markup_nor_template() -> None:
    made = document("mtls-conflict")
    (cause,) = made.diagnosis.root_causes
    evil = replace(
        cause,
        title=EVIL,
        summary=EVIL,
        objects=(EVIL,),
        affected=(replace(cause.affected[0], source=EVIL, to=EVIL),),
        evidence=(replace(cause.evidence[0], excerpt=EVIL, source=EVIL, command=EVIL),),
        path=tuple(replace(step, because=EVIL, question=EVIL) for step in cause.path),
    )
    findings = tuple(replace(f, message=EVIL, resource=EVIL) for f in made.diagnosis.findings)
    diagnosis = replace(made.diagnosis, root_causes=(evil,), findings=findings)
    page = parsed(html(replace(made, diagnosis=diagnosis)))
    assert len(page.of("script")) == 1
    assert page.of("img") == []
    assert sum(EVIL in text for text in page.texts) >= 10
    assert page.open == []


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("number", [0, 1, 2], ids=["light", "dark", "print"])
def test_every_colour_of_text_has_contrast_enough(number: int) -> None:
    """WCAG 2.2, 1.4.3: 4.5 to 1."""
    block = re.findall(r":root \{(.*?)\}", STYLE.read_text("utf-8"), re.DOTALL)[number]
    colours = dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6})", block))
    assert len(colours) == 10
    for behind in ("page", "panel"):
        for name in ("text", "soft", "error", "warning", "pass", "unknown", "link"):
            bright, dim = sorted((luminance(colours[behind]), luminance(colours[name])))[::-1]
            assert (bright + 0.05) / (dim + 0.05) >= 4.5, f"{name} on {behind}"


CHROMIUM = next(
    (
        found
        for name in ("chromium", "chromium-browser", "google-chrome")
        if (found := shutil.which(name))
    ),
    None,
)
in_a_browser = pytest.mark.skipif(
    CHROMIUM is None, reason="no headless Chromium is installed (apt-get install chromium)"
)
_LOOK = """
<script>
const said = [];
addEventListener("error", (event) => said.push(String(event.message)));
addEventListener("securitypolicyviolation", (event) => said.push(event.violatedDirective));
addEventListener("load", () => {
  const input = document.querySelector("#findings-filter");
  const rows = () => [...document.querySelectorAll("#findings-table tbody tr")];
  const shown = () => rows().filter((row) => row.getClientRects().length).length;
  const type = (words) => {
    input.value = words;
    input.dispatchEvent(new Event("input"));
    return shown();
  };
  const wide = document.documentElement.scrollWidth <= innerWidth;
  const result = {
    errors: said, requests: performance.getEntriesByType("resource").length,
    all: shown(), error: type("error"), none: type("no such words"), again: type(""),
    told: document.querySelector("output").textContent, fits: wide,
    drawings: [...document.querySelectorAll("svg")].map((svg) => svg.getBBox().width > 100),
    overflowing: [...document.querySelectorAll("svg g.box")].filter((box) => {
      const edge = box.querySelector("rect").getBBox();
      return [...box.querySelectorAll("text")].some((text) =>
        text.getBBox().x + text.getBBox().width > edge.x + edge.width);
    }).length,
  };
  document.title = "";
  document.body.textContent = "LOOKED " + JSON.stringify(result);
});
</script>
"""


def browsed(path: Path, folder: Path) -> tuple[str, str]:
    """The page's document after its script ran, and what the browser complained about."""
    assert CHROMIUM is not None
    run = subprocess.run(
        [
            CHROMIUM,
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--enable-logging=stderr",
            f"--user-data-dir={folder / 'profile'}",
            "--window-size=1000,900",
            "--virtual-time-budget=2000",
            "--dump-dom",
            path.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    return run.stdout, "\n".join(line for line in run.stderr.splitlines() if "CONSOLE" in line)


@in_a_browser
@pytest.mark.parametrize("name", [*FIVE[:2], "healthy"])
def test_a_real_browser_shows_it_without_a_request_or_an_error(name: str, tmp_path: Path) -> None:
    text = render(masked_document(name)[0], Format.HTML)
    path = tmp_path / "report.html"
    path.write_text(text.replace("</head>", f"{_LOOK}</head>"), "utf-8")
    shown, complaints = browsed(path, tmp_path)
    assert complaints == ""
    found = re.search(r"LOOKED (\{.*\})", shown)
    assert found is not None, shown[:2000]
    seen = json.loads(found[1].replace("&amp;", "&"))
    findings = document(name).diagnosis.findings
    assert (seen["errors"], seen["requests"], seen["none"]) == ([], 0, 0)
    assert seen["all"] == seen["again"] == len(findings)
    assert bool(seen["error"]) is (name != "healthy")
    assert seen["fits"]
    assert all(seen["drawings"])
    assert seen["overflowing"] == 0


@in_a_browser
def test_a_page_with_an_error_would_be_seen(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    text = render(document("healthy"), Format.HTML)
    path.write_text(text.replace("</body>", "<script>nowhere()</script></body>"), "utf-8")
    assert "nowhere is not defined" in browsed(path, tmp_path)[1]

"""The report in a browser: its script draws every chart, marks what happened, fits a phone and complains of nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from made_up_log import alarm, checkup, evaluation, heal, line, make_run, opening
from sparring.report import write_report

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytest.importorskip("playwright.sync_api", reason="pip install 'sparring[dev]'")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    found = [shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")]
    path = next((path for path in found if path), None)
    if path is None:
        pytest.skip("needs a browser: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def report(tmp_path: Path) -> Path:
    records = [opening(), line(10), checkup(10), evaluation(10, True), line(20), alarm(20), checkup(20)]
    records += [heal(20, 10), line(30), evaluation(30, True), line(40), evaluation(40), {"event": "end", "step": 40}]
    run = make_run(tmp_path / "run", records, steps=(0, 40))
    Image.new("L", (30, 10)).save(run / "neighbours.png")
    return write_report(run)


@pytest.fixture
def page(browser: Browser, report: Path) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 390, "height": 800})
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(report.as_uri())
    yield page
    page.close()
    assert complaints == []


def test_every_chart_is_drawn_in_its_place_and_fits_a_phone(page: Page) -> None:
    titles = page.locator(".charts[data-part=quality] h3").all_text_contents()
    assert [title.split(" ")[0] for title in titles] == ["KD[x]", "recall"]
    assert page.locator(".charts[data-part=curves] h3").count() == 6
    drawn = page.locator(".plot g .curve").evaluate_all("curves => curves.map(curve => curve.getAttribute('d'))")
    assert len(drawn) == 2 + 3 + 3 + 1 + 2 + 1
    assert all("NaN" not in path and path.startswith("M") for path in drawn)
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_alarms_errors_the_floor_and_the_best_are_on_the_charts(page: Page) -> None:
    first = page.locator(".charts[data-part=quality] section").first
    assert first.locator(".plot path.mark.alarm").count() == 1
    assert first.locator(".plot text.alarm").all_text_contents() == ["collapse"]
    assert first.locator(".plot path.error").count() == first.locator(".plot path.floor").count() == 1
    ring = first.locator(".plot circle.best")
    curve = first.locator(".plot g .curve").get_attribute("d")
    assert curve
    assert float(ring.get_attribute("cx") or 0) == pytest.approx(float(curve.split("L")[1].split(" ")[0]), abs=0.1)
    assert "0.025 ± 0.012" in first.locator(".keys").inner_text()
    assert page.locator(".charts[data-part=curves] circle.best").count() == 0


def test_the_two_choices_of_the_axis_agree_and_answer_the_keyboard(page: Page) -> None:
    page.locator("[name=axis-quality]").first.focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("[name=axis-curves]:checked").get_attribute("value") == "1"
    labels = page.locator(".plot > text").all_text_contents()
    assert "step" not in labels
    assert labels.count("pictures") == 8


def test_the_neighbours_are_enlarged_by_whole_numbers(page: Page) -> None:
    picture = page.locator(".neighbours img")
    assert picture.evaluate("picture => picture.style.width") == "630px"
    assert picture.evaluate("picture => picture.clientWidth") <= 390

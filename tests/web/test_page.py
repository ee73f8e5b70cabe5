"""The live page in a browser: it grows without reload, survives damage, fits a phone and asks nobody else."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from made_up_run import MadeUp, alarm, checkup, evaluation, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Locator, Page

for module in ("playwright.sync_api", "fastapi", "uvicorn", "plotly"):
    pytest.importorskip(module, reason="pip install 'sparring[dev]'")

Visit = Callable[..., AbstractContextManager["Page"]]
PATIENCE = 8000  # milliseconds


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


@pytest.fixture(scope="module")
def context(browser: Browser) -> BrowserContext:
    """One for all tests, so that plotly.js is fetched and compiled once."""
    return browser.new_context()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A folder, and the address of the page over it."""
    folder = tmp_path_factory.mktemp("watched")
    with serving(folder) as port:
        yield folder, f"http://127.0.0.1:{port}/"


@pytest.fixture
def runs(home: tuple[Path, str]) -> Path:
    """That folder, emptied."""
    for run in home[0].iterdir():
        shutil.rmtree(run)
    return home[0]


@pytest.fixture
def visit(context: BrowserContext, home: tuple[Path, str]) -> Visit:
    """Opens the page; at the end nothing may have been asked elsewhere, nor anything complained of."""

    @contextmanager
    def open_page(chosen: str = "", width: int = 1280, deletes: bool = False) -> Iterator[Page]:
        page = context.new_page()
        page.set_viewport_size({"width": width, "height": 900})
        complaints: list[str] = []
        requests: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.set_default_timeout(PATIENCE)
        page.goto(home[1] + chosen)
        page.wait_for_selector("#link.live")
        yield page
        page.close()
        if deletes:  # what was deleted between two questions is reported as absent
            complaints = [complaint for complaint in complaints if "404 (Not Found)" not in complaint]
        assert complaints == []
        assert len(requests) > 8
        assert [url for url in requests if not url.startswith(home[1])] == []

    return open_page


def values(page: Page, title: str) -> list[str]:
    """The last values that a chart writes beside its curves' names."""
    section = page.locator(".charts section").filter(has=page.locator(f"h3 > span:text-is('{title} ')"))
    return section.locator(".keys button b").all_inner_texts()


def points(page: Page, title: str) -> int:
    """How many points of its first curve a chart has drawn."""
    find = """title => [...document.querySelectorAll('.charts section')]
        .find(section => section.querySelector('h3 > span').textContent === `${title} `)
        ?.querySelector('.plot').data?.[0].x.length ?? 0"""
    count: int = page.evaluate(find, title)
    return count


def until(page: Page, happens: Callable[[], bool]) -> None:
    for _ in range(PATIENCE // 50):
        if happens():
            return
        page.wait_for_timeout(50)
    raise AssertionError("it did not happen in time")


def width_beyond(page: Page) -> int:
    beyond: int = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return beyond


def step_shown(page: Page) -> str:
    return page.locator(".player output").inner_text()


def slider_obeys(page: Page, made_up: MadeUp) -> None:
    slider = page.get_by_label("Grid to show of first")
    for _ in range(20):
        page.keyboard.press("Tab")
        if slider.evaluate("node => node === document.activeElement"):
            break
    page.keyboard.press("ArrowLeft")
    assert step_shown(page) == "step 0"
    assert slider.get_attribute("aria-valuetext") == "step 0"
    assert "000000.png" in (page.locator("#grid-list img").get_attribute("src") or "")
    made_up.grid(30)
    until(page, lambda: slider.get_attribute("max") == "2")
    assert step_shown(page) == "step 0", "who looks at an early grid goes on looking at it"
    page.keyboard.press("End")
    assert step_shown(page) == "step 30"
    outline = slider.evaluate("node => getComputedStyle(node).outlineStyle")
    assert outline == "solid", "the focus can be seen"


def test_new_points_and_grids_appear_without_reload_and_the_slider_obeys(
    made_up: MadeUp, runs: Path, visit: Visit
) -> None:
    made_up.grid(0)
    with visit() as page:
        until(page, lambda: points(page, "generator") == 1)
        page.evaluate("window.same = true")
        assert (values(page, "generator"), step_shown(page)) == (["1"], "step 0")
        made_up.report(20, **{"generator/fool": 3.25})
        made_up.grid(20)
        until(page, lambda: points(page, "generator") == 2)
        assert values(page, "generator") == ["3.25"]
        until(page, lambda: step_shown(page) == "step 20")
        picture = page.locator("#grid-list img")
        assert "000020.png" in (picture.get_attribute("src") or "")
        until(page, lambda: "sharp" in (picture.get_attribute("class") or ""))
        assert picture.bounding_box()["width"] == 512, "32 pixels enlarged sixteen times"  # type: ignore[index]
        until(page, lambda: "step 20 / 100" in page.locator("#runs").inner_text())
        slider_obeys(page, made_up)
        assert page.evaluate("window.same")


def test_alarms_and_evaluations_appear_and_texts_stay_texts(made_up: MadeUp, runs: Path, visit: Visit) -> None:
    nasty = "<img src=x onerror=alert(1)>"
    with visit() as page:
        assert not page.locator("#alarms").is_visible()
        advice = (
            "Slow it (--g.lr 2e-05 --critic.lr 1e-05) and augment (--augment adaptive), or --heal it with --clip 1."
        )
        made_up.write(alarm(11, **{"try": advice}), alarm(12, seen=nasty, alarm="<b>collapse</b>"), checkup(12))
        made_up.write(evaluation(12, 0.0213, best=True))
        made_up.write(evaluation(20, 0.03, notes=[nasty]))
        until(page, lambda: page.locator("#alarms .alarm").count() == 2 and page.locator("#tables tr").count() == 2)
        shown = page.locator("#alarms").inner_text()
        assert nasty in shown
        assert "<b>collapse</b>" in shown
        assert page.locator("#alarms code").all_inner_texts() == [
            "--critic.lr 0.0001",
            *("--g.lr 2e-05", "--critic.lr 1e-05", "--augment adaptive", "--heal", "--clip 1"),
        ]
        assert nasty in page.locator("#tables").inner_text()
        assert page.locator("main img[src=x]").count() == 0
        row = page.locator("#tables tbody tr").inner_text()
        assert re.search(r"KD\[trained-digits\].*0\.03 ± 0\.001\s+0\.0005\s+0\.5$", row, re.S)
        table = page.locator("#tables").inner_text()
        assert "the best so far was at step 12" in table
        assert "trained-digits (ab12cd34) · 180 real · 2,000 fake · against the held-out part" in table
        page.locator("#quality .plot").scroll_into_view_if_needed()
        until(page, lambda: points(page, "KD[trained-digits]") == 2)
        traces = page.evaluate("document.querySelector('#quality .plot').data")
        assert [trace["line"]["dash"] for trace in traces if trace.get("y") == [0.0005, 0.0005]] == ["dot"]
        assert [trace["x"] for trace in traces if trace.get("marker", {}).get("symbol") == "star"] == [[12]]


def test_damaged_empty_and_deleted_runs_still_show(made_up: MadeUp, runs: Path, visit: Visit) -> None:
    made_up.write('{"step": 11, "ter', "\0\0", '{"step": "x"}')
    made_up.report(20, **{"generator/fool": 2.5, "critic/real": "much"})
    (made_up.folder / "samples" / "000001.png").write_bytes(b"\x89PNG\r\n\x1a\n torn")
    MadeUp(runs / "empty")
    with visit("#run=first&run=empty", deletes=True) as page:
        until(page, lambda: values(page, "generator: fool") == ["2.5"])
        notes = page.locator("#notes")
        assert "first: 3 damaged lines of log.jsonl passed over." in notes.inner_text()
        assert "empty: log.jsonl holds no report yet." in notes.inner_text()
        until(page, lambda: "cannot be shown" in page.locator("#grid-list").inner_text())
        shutil.rmtree(made_up.folder)
        until(page, lambda: page.locator("#runs li").count() == 1)
        until(page, lambda: "first" not in notes.inner_text())
        assert page.locator("#link").inner_text() == "live"


def axis_and_smoothing_obey(page: Page, plot: Locator) -> None:
    page.get_by_label("samples", exact=True).check()
    assert plot.evaluate("node => node.data[0].x") == [640, 1280]
    page.get_by_label("time", exact=True).check()
    assert plot.evaluate("node => node.data[0].x") == [1, 2]
    page.get_by_label("Smoothing").fill("0.5")
    raw, smooth = plot.evaluate("node => node.data.map(trace => trace.y)")
    assert raw == [1, 3]
    assert smooth == [1, pytest.approx((0.25 * 1 + 0.5 * 3) / 0.75)]


def test_several_runs_share_charts_with_a_colour_each(made_up: MadeUp, runs: Path, visit: Visit) -> None:
    other = MadeUp(runs / "other")
    other.report(10, **{"generator/fool": 1.0})
    other.report(20, **{"generator/fool": 3.0})
    for run in (made_up, other):
        run.grid(10)
    with visit("#run=first") as page:
        assert page.locator("#grid-list figure").count() == 1
        page.get_by_role("checkbox", name="other").check()
        until(page, lambda: values(page, "generator: fool") == ["1", "3"])
        assert page.locator("#grid-list figure").count() == 2
        until(page, lambda: points(page, "generator: fool") == 1)
        traces = page.evaluate("document.querySelector('#training .charts section:nth-child(2) .plot').data")
        assert len({trace["line"]["color"] for trace in traces}) == 2
        assert page.url.endswith("#run=first&run=other")
        page.get_by_role("checkbox", name="first").uncheck()
        until(page, lambda: points(page, "generator") == 2)
        assert values(page, "generator") == ["3"]
        axis_and_smoothing_obey(page, page.locator("#training .plot").first)


def test_samples_are_called_by_what_the_data_is(made_up: MadeUp, runs: Path, visit: Visit) -> None:
    rows = MadeUp(runs / "rows")
    rows.start("table")
    rows.report(20)
    rows.write(evaluation(20))
    with visit("#run=rows") as page:
        until(page, lambda: "640 rows/s" in page.locator("#runs").inner_text())
        assert "640 pictures/s" in page.locator("#runs").inner_text()
        until(page, lambda: "Mean row" in page.locator("#tables").inner_text())


def test_on_a_phone_nothing_overflows(runs: Path, visit: Visit) -> None:
    for name in ("a-run-with-a-name-that-is-much-too-long-for-a-telephone-and-holds-no-gap-1", "second"):
        run = MadeUp(runs / name)
        run.start()
        for step in (10, 20):
            run.report(step, **{"critic/a_term_with_a_very_long_name_of_its_own": 1.0, "generator/fool": 123456.789})
            run.grid(step)
        run.grid(10_000_000)
        run.write(alarm(20, **{"try": "Type `sparring train --resume runs/a-run-with-a-name --critic.lr 0.00001`."}))
        run.write(evaluation(20, 12345.678, best=True), checkup(20))
        shutil.copy(run.folder / "samples" / "000010.png", run.folder / "neighbours.png")
    with visit(f"#run={name}", width=390) as page:
        page.locator("#training").scroll_into_view_if_needed()
        until(page, lambda: page.locator(".js-plotly-plot").count() > 0)
        assert width_beyond(page) <= 0
        for box in page.locator("#runs input").all():
            box.check()
        until(page, lambda: page.locator("#tables section").count() == 2)
        page.locator("#neighbours").scroll_into_view_if_needed()
        until(page, lambda: points(page, "KD[trained-digits]") == 1)
        assert width_beyond(page) <= 0
        wide = """() => [...document.querySelectorAll('main *, aside *')].filter(node =>
            !node.closest('.plot, .table') && node.getBoundingClientRect().right > innerWidth)
            .map(node => node.outerHTML)"""
        assert page.evaluate(wide) == []


def test_a_server_that_went_away_is_told(context: BrowserContext, tmp_path: Path) -> None:
    page = context.new_page()
    with serving(tmp_path) as port:
        page.goto(f"http://127.0.0.1:{port}/")
        page.wait_for_selector("#no-runs", state="visible")
    page.wait_for_selector("#link.lost", timeout=PATIENCE)
    assert "still running?" in page.locator("#link").inner_text()
    page.close()

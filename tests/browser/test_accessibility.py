"""axe finds nothing, on a phone and a desktop, in light and dark. No page is too wide."""

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize, expect

from retinoscope.stack import Stack
from tests.browser.conftest import Visit
from tests.browser.playground import finished

PHONE, DESKTOP = ViewportSize(width=360, height=780), ViewportSize(width=1440, height=900)
LOOKS = [(size, scheme) for size in (PHONE, DESKTOP) for scheme in ("light", "dark")]


@pytest.fixture(scope="module")
def jobs(stack: Stack, coffee: bytes) -> list[str]:
    """Return a map with its check, another one, and a prediction."""
    with httpx.Client(base_url=stack.plan.address, timeout=90) as client:
        return [
            finished(client, "grad_cam", coffee, check="true")["id"],
            finished(client, "saliency", coffee, target="blocks.4.0.conv_pw:20@3,4")["id"],
            finished(client, "predict", coffee)["id"],
        ]


def check(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_every_page(visit: Visit, jobs: list[str], size: ViewportSize, scheme: str) -> None:
    playground = visit(viewport=size, color_scheme=scheme)
    page = playground.page
    expect(page.locator(".card").first).to_be_visible()
    check(page)
    playground.choose_sample()
    playground.target.fill("cat")
    expect(page.get_by_role("option").first).to_be_visible()
    check(page)
    checked, unit, predicted = jobs
    for link, shown in (
        (f"#/job/{checked}", ".blend .above"),
        (f"#/job/{unit}", ".field-box"),
        (f"#/job/{predicted}", ".prediction-bars"),
        (f"#/compare/{checked}/{unit}", ".pair .above >> nth=1"),
        ("#/history", ".jobs li >> nth=2"),
        ("#/efficientnet_lite0/blocks.4.0.conv_pw/20", ".questions"),
        (f"#/job/{'0' * 32}", "[role=alert]"),
    ):
        playground.open(link)
        expect(page.locator(shown)).to_be_visible()
        check(page)


def test_errors_and_advanced_fields(visit: Visit) -> None:
    playground = visit(viewport=PHONE)
    page = playground.page
    playground.choose_sample()
    page.locator("details.advanced > summary").click()
    page.get_by_label("Samples").fill("0")
    playground.run()
    expect(page.locator("#field-samples-error")).to_be_visible()
    check(page)


def test_nothing_moves_for_those_who_want_no_motion(visit: Visit) -> None:
    durations = """() => [...document.querySelectorAll("*")].map(
      element => getComputedStyle(element).transitionDuration)"""
    moving = visit(reduced_motion="no-preference").page
    expect(moving.locator(".card").first).to_be_visible()
    assert set(moving.evaluate(durations)) != {"0s"}
    still = visit(reduced_motion="reduce").page
    expect(still.locator(".card").first).to_be_visible()
    assert set(still.evaluate(durations)) == {"0s"}

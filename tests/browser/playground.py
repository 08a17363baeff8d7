"""The playground as somebody uses it, for tests that click and type."""

from typing import Any

import httpx
from playwright.sync_api import Locator, Page, expect

from tests.service.asking import queue
from tests.wait import wait_until

UNIT = "blocks.4.0.conv_pw:20"
PATIENCE_S = 240


def finished(client: httpx.Client, technique: str, image: bytes, **params: Any) -> dict[str, Any]:
    """Return a job that has succeeded, however busy the machine is."""
    path = queue(client, technique, image, **params)["urls"]["self"]
    final = ("succeeded", "failed", "canceled")
    wait_until(lambda: client.get(path).json()["status"] in final, PATIENCE_S)
    job: dict[str, Any] = client.get(path).json()
    assert job["status"] == "succeeded", job["error"]
    return job


class Playground:
    """One open page."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address

    def open(self, link: str = "") -> None:
        """Open a link of the page, such as `#/history`."""
        self.page.goto(self.address + link)

    def choose_sample(self) -> None:
        self.page.get_by_role("button", name="a cat").click()
        expect(self.picture_hint).to_contain_text("451 × 300")

    @property
    def picture_hint(self) -> Locator:
        return self.page.locator("#picture-hint")

    @property
    def target(self) -> Locator:
        return self.page.get_by_role("combobox", name="Target", exact=True)

    def choose_technique(self, title: str) -> None:
        radio = self.page.get_by_role("radio", name=title, exact=True)
        if not radio.is_visible():
            self.page.locator(".choice > summary").click()
        radio.check()

    def run(self) -> None:
        self.page.get_by_role("button", name="Run ").click()

    def run_to_end(self) -> str:
        """Run what the form says, and return the id of the job once its map is shown."""
        before = self.page.url
        self.run()
        self.page.wait_for_url(lambda url: url != before and "#/job/" in url)
        expect(self.map).to_be_visible()
        return self.job_id

    @property
    def job_id(self) -> str:
        return self.page.url.rpartition("/")[2]

    @property
    def map(self) -> Locator:
        return self.page.locator(".job .blend .above")

    def is_loaded(self, image: Locator) -> bool:
        return bool(image.evaluate("image => image.complete && image.naturalWidth > 0"))

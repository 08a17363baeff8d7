"""A browser on a real stack: `make browser`.

Playwright's own browsers cannot be installed everywhere; Chromium of the distribution can.
"""

import shutil
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from retinoscope.stack import Stack
from tests.browser.playground import Playground

# The API without workers that the tests of the service start.
from tests.service.conftest import broker, own, serve, small  # noqa: F401
from tests.wait import wait_until

Visit = Callable[..., Playground]

# The machine may be busy, and a worker of its stack may still load its model.
PATIENCE_MS = 240_000
_NAMES = ("chromium", "chromium-browser", "google-chrome")
# No name is resolved: a request to another host would fail, and be seen.
_ARGUMENTS = ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser/" in item.path.as_posix():
            item.add_marker(pytest.mark.timeout(600))
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Return the Chromium of this machine."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        pytest.fail("No Chromium was found. Install it: apt-get install chromium.", pytrace=False)
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def described(stack: Stack) -> Stack:
    """Return the shared stack once a worker has described the model."""
    with httpx.Client(base_url=stack.plan.address, timeout=90) as client:
        path = "/v1/models/efficientnet_lite0/layers?wait=20"
        wait_until(lambda: client.get(path).status_code == 200, PATIENCE_MS / 1000)
    return stack


@pytest.fixture
def visit(chromium: Browser, described: Stack) -> Iterator[Visit]:
    """Return a function that opens a page of the playground in a browser of its own.

    Every request must go to this machine, and no page may fail or break its own policy.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []
    requests: list[str] = []

    def watch(page: Page) -> None:
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda line: complaints.append(line.text) if "Security Policy" in line.text else None,
        )

    def open_page(link: str = "", address: str = "", **options: object) -> Playground:
        context = chromium.new_context(**options)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        context.on("request", lambda request: requests.append(request.url))
        context.on("page", watch)
        contexts.append(context)
        playground = Playground(context.new_page(), address or f"{described.plan.address}/play/")
        playground.open(link)
        return playground

    yield open_page
    for context in contexts:
        context.close()
    foreign = {url for url in requests if not _is_here(url)}
    assert not foreign
    assert not complaints


def _is_here(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("blob", "data") or parts.hostname == "127.0.0.1"

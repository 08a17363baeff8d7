"""Who may use the page and where it lies: keys, and the path prefix of a proxy."""

import httpx
import pytest
from playwright.sync_api import expect

from jobs.api_keys import KeyRing
from jobs.settings import Settings
from retinoscope.stack import Stack
from tests.browser.conftest import Visit
from tests.service.conftest import Serve

PREFIX = "/x/retinoscope"


def test_a_key_is_typed_once_and_sent_as_a_header(
    visit: Visit, serve: Serve, settings: Settings
) -> None:
    key = KeyRing(settings.keys_location).create("me")
    own = serve(settings)
    playground = visit(address=f"{own.base_url}/play/")
    page = playground.page
    prompt = page.get_by_label("API key", exact=True)
    prompt.fill("wrong")
    prompt.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("The key was not accepted.")
    with page.expect_request("**/v1/techniques") as request:
        prompt.fill(key)
        prompt.press("Enter")
    assert request.value.headers["x-api-key"] == key
    assert key not in request.value.url
    expect(page.locator(".card").first).to_be_visible()
    playground.choose_sample()
    page.reload()
    expect(page.locator(".card").first).to_be_visible()
    assert page.evaluate("JSON.stringify({...localStorage, cookie: document.cookie})") == (
        '{"cookie":""}'
    )
    page.get_by_role("button", name="Forget key").click()
    expect(prompt).to_be_visible()
    page.reload()
    expect(prompt).to_be_visible()


@pytest.mark.parametrize("link", ["#/", "#/history", "#/efficientnet_lite0"])
def test_another_tab_has_to_type_it_again(
    visit: Visit, serve: Serve, settings: Settings, link: str
) -> None:
    KeyRing(settings.keys_location).create("me")
    own = serve(settings)
    page = visit(link, f"{own.base_url}/play/").page
    expect(page.get_by_label("API key", exact=True)).to_be_visible()


def test_it_works_below_the_prefix_of_a_proxy(visit: Visit, stack: Stack) -> None:
    """This machine is a trusted proxy. The path is sent with the prefix, as some proxies do."""
    address = f"{stack.plan.address}{PREFIX}/play/"
    playground = visit(address=address, extra_http_headers={"X-Forwarded-Prefix": PREFIX})
    requests: list[str] = []
    playground.page.on("request", lambda request: requests.append(request.url))
    playground.choose_sample()
    playground.run_to_end()
    assert playground.is_loaded(playground.map)
    called = [url for url in requests if not url.startswith("blob:")]
    assert len(called) > 5
    assert all(url.startswith(f"{stack.plan.address}{PREFIX}/") for url in called)


def test_it_works_where_the_setting_names_the_prefix(
    visit: Visit, serve: Serve, settings: Settings
) -> None:
    own = serve(settings.model_copy(update={"root_path": PREFIX}))
    page = visit(address=f"{own.base_url}{PREFIX}/").page
    assert page.url == f"{own.base_url}{PREFIX}/play/"
    expect(page.locator(".card").first).to_be_visible()


def test_the_page_obeys_its_policy(visit: Visit, client: httpx.Client) -> None:
    """A script that is put into the page is not run, and neither is markup from a string."""
    page = visit().page
    expect(page.locator(".card").first).to_be_visible()
    page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.append("window.ran = true");
          try { document.body.append(script); } catch {}
        }"""
    )
    assert page.evaluate("window.ran") is None

"""The playground is served as files that any cache may keep, under a strict policy."""

import re

import httpx
import pytest

from jobs.api_keys import KeyRing
from jobs.settings import Settings
from tests.service.asking import refused
from tests.service.conftest import Serve

PREFIX = "/x/retinoscope"
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def linked(page: httpx.Response) -> list[str]:
    """Return the addresses that the page names, which are relative to its own."""
    found = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(found) >= 3 and all(path.startswith("./assets/") for path in found), found
    return found


def test_a_browser_is_sent_to_it_and_a_program_is_not(own: httpx.Client) -> None:
    page = own.get("/", headers=BROWSER)
    assert (page.status_code, page.headers["location"]) == (307, "/play/")
    for accept in ("*/*", "application/json"):
        alive = own.get("/", headers={"Accept": accept})
        assert (alive.status_code, alive.json()) == (200, {"status": "alive"})
        assert alive.headers["vary"] == "Accept"
    assert own.get("/play").headers["location"] == "/play/"


def test_every_file_that_the_page_names_is_there(own: httpx.Client) -> None:
    page = own.get("/play/")
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
    assert page.headers["cache-control"] == "no-cache"
    for path in linked(page):
        file = own.get(f"/play/{path.removeprefix('./')}")
        assert file.status_code == 200, path
        assert file.headers["cache-control"] == "public, max-age=31536000, immutable"
        known = own.get(f"/play/{path[2:]}", headers={"If-None-Match": file.headers["etag"]})
        assert (known.status_code, known.content) == (304, b"")


def test_the_policy_allows_no_other_host_and_no_inline_script(own: httpx.Client) -> None:
    page = own.get("/play/")
    policy = dict(
        part.split(" ", 1) for part in page.headers["content-security-policy"].split("; ")
    )
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert re.search(r"<script(?![^>]* src=)|<style|\son\w+=|https?://", page.text) is None


@pytest.mark.parametrize(
    "path",
    ["nothing", "assets/", "../app.py", "%2e%2e/app.py", "assets/../../app.py", "//etc/passwd"],
)
def test_it_serves_nothing_else(own: httpx.Client, path: str) -> None:
    refused(own.get(f"/play/{path}"), 404, "not_found")


def test_it_needs_no_key_and_its_calls_do(serve: Serve, settings: Settings) -> None:
    KeyRing(settings.keys_location).create("me")
    own = serve(settings)
    stranger = {"X-Forwarded-For": "203.0.113.9", "Host": "retina.example"}
    assert own.get("/", headers=stranger | BROWSER).status_code == 307
    assert own.get("/play/", headers=stranger).status_code == 200
    refused(own.get("/v1/techniques", headers=stranger), 401, "unauthorized")


def test_without_keys_it_is_for_this_machine_alone(own: httpx.Client) -> None:
    for path in ("/", "/play/"):
        refused(own.get(path, headers={"Host": "evil.example"}), 403, "forbidden_origin")
        refused(own.get(path, headers={"X-Forwarded-For": "203.0.113.9"}), 403, "keys_required")


def test_it_lies_below_the_prefix_of_a_proxy(serve: Serve, settings: Settings) -> None:
    own = serve(settings.model_copy(update={"root_path": PREFIX}))
    for front in ("/", PREFIX, f"{PREFIX}/"):
        assert own.get(front, headers=BROWSER).headers["location"] == f"{PREFIX}/play/"
    assert own.get(f"{PREFIX}/play").headers["location"] == f"{PREFIX}/play/"
    for path in linked(own.get(f"{PREFIX}/play/")):
        assert own.get(f"{PREFIX}/play/{path[2:]}").status_code == 200


def test_a_trusted_proxy_may_name_the_prefix(own: httpx.Client) -> None:
    sent = BROWSER | {"X-Forwarded-Prefix": PREFIX}
    assert own.get("/", headers=sent).headers["location"] == f"{PREFIX}/play/"

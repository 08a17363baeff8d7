"""Jobs in the page: their progress, cancelling, comparing, history and links."""

import re

import httpx
import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import Visit
from tests.browser.playground import UNIT, finished
from tests.service.asking import queue, store_image
from tests.service.test_batches import image_set
from workers.toolkit.rendering.colormap import color_table


def test_two_maps_under_one_slider(visit: Visit, client: httpx.Client) -> None:
    playground = visit()
    page = playground.page
    playground.choose_sample()
    first = playground.run_to_end()
    playground.choose_technique("Grad-CAM")
    second = playground.run_to_end()
    page.get_by_label("Compare with").select_option(first)
    expect(page.get_by_role("heading", name="Two results side by side")).to_be_visible()
    assert page.url.endswith(f"#/compare/{second}/{first}")
    expect(page.locator(".pair h3")).to_have_text(["Grad-CAM", "Saliency"])
    maps = page.locator(".pair .above")
    expect(maps).to_have_count(2)
    said = page.locator(".pair .color-bar figcaption")
    ramps = page.locator(".pair .ramp")
    for number, job_id in enumerate((second, first)):
        summary = client.get(f"/v1/jobs/{job_id}").json()["result"]["summary"]
        low, high = (float(f"{value:.3g}") for value in summary["color_range"])
        line = f"Colours from {low:g} to {high:g} ({summary['units']})."
        expect(said.nth(number)).to_contain_text(line.replace("-", "−"))
        table = color_table(summary["colormap"])
        for shade in (table[0], table[127], table[254]):
            text = ", ".join(str(part) for part in shade)
            expect(ramps.nth(number)).to_have_css("background-image", re.compile(re.escape(text)))
    expect(page.get_by_text("A colour does not mean the same")).to_be_visible()
    page.get_by_label("Opacity").fill("33")
    for number in (0, 1):
        expect(maps.nth(number)).to_have_css("opacity", "0.33")
        assert playground.is_loaded(maps.nth(number))


def test_a_dream_is_watched_and_cancelled(visit: Visit, client: httpx.Client) -> None:
    playground = visit()
    page = playground.page
    playground.choose_sample()
    playground.choose_technique("DeepDream")
    page.get_by_label("Steps", exact=True).fill("300")
    playground.run()
    preview = page.get_by_role("img", name="Preview of DeepDream")
    expect(preview).to_be_visible()
    expect(page.locator(".progress-text")).to_contain_text("of 1200 · about")
    first = preview.get_attribute("src")
    expect(preview).not_to_have_attribute("src", first or "")
    assert playground.is_loaded(preview)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("The job was canceled")).to_be_visible()
    assert client.get(f"/v1/jobs/{playground.job_id}").json()["status"] == "canceled"


def test_the_stream_is_resumed_behind_its_last_event(visit: Visit, client: httpx.Client) -> None:
    """The connection breaks behind the first progress: the page asks for what came after it."""
    playground = visit()
    page = playground.page
    playground.choose_sample()
    playground.choose_technique("DeepDream")
    page.get_by_label("Steps", exact=True).fill("20")
    asked: list[str | None] = []

    def break_the_first(route: Route) -> None:
        asked.append(route.request.headers.get("last-event-id"))
        if len(asked) > 1:
            return route.continue_()
        job = route.request.url.split("/")[-2]
        with client.stream("GET", f"/v1/jobs/{job}/events") as stream:
            lines = []
            for line in stream.iter_lines():
                lines.append(line)
                if line == "" and any(each.startswith("id: ") for each in lines):
                    break
        body = "\n".join(lines) + "\n"
        asked.extend(line[4:] for line in lines if line.startswith("id: "))
        return route.fulfill(body=body, content_type="text/event-stream")

    page.route("**/events", break_the_first)
    playground.run()
    expect(playground.map).to_be_visible()
    assert asked[0] is None
    assert asked[1] and asked[2] == asked[1]


def test_the_history_is_there_after_a_reload(
    visit: Visit, client: httpx.Client, small: bytes
) -> None:
    job = finished(client, "saliency", small, target=UNIT)
    playground = visit("#/history")
    page = playground.page
    for _ in range(2):
        row = page.locator(".jobs li", has_text=UNIT).first
        expect(row).to_contain_text("Saliency")
        expect(row).to_contain_text("succeeded")
        page.reload()
    page.get_by_label("Status").select_option("failed")
    expect(page.locator(".jobs li", has_text=UNIT)).to_have_count(0)
    page.get_by_label("Status").select_option("succeeded")
    page.locator(".jobs li", has_text=UNIT).first.get_by_role("link").click()
    expect(playground.map).to_be_visible()
    assert playground.job_id == job["id"]
    expect(playground.target).to_have_value(UNIT)
    expect(page.get_by_text("The picture of this job, 300 × 200 pixels")).to_be_visible()


def test_the_verdict_of_a_check_comes_first(
    visit: Visit, client: httpx.Client, small: bytes
) -> None:
    job = finished(client, "grad_cam", small, check="true")
    playground = visit(f"#/job/{job['id']}")
    verdict = job["result"]["summary"]["check"]["verdict"]
    callout = playground.page.locator(".job .callout")
    expect(callout).to_contain_text("How far to trust this map")
    expect(callout).to_contain_text(verdict[1:])
    assert (
        callout.evaluate(
            "callout => callout.compareDocumentPosition(document.querySelector('.pictures'))"
        )
        == 4
    )
    assert verdict in (playground.map.get_attribute("alt") or "")


def test_a_neuron_is_drawn_where_it_sees(visit: Visit, client: httpx.Client) -> None:
    """The first picture is the neuron's field, enlarged; the whole one is enlarged too."""
    params = {"target": f"{UNIT}@7,7", "steps": 2}
    made = client.post("/v1/jobs/activation_maximization", json=params).json()
    page = visit(f"#/job/{made['id']}").page
    part = page.locator(".field-picture img")
    expect(part).to_be_visible()
    summary = client.get(f"/v1/jobs/{made['id']}").json()["result"]["summary"]
    left, top, right, bottom = summary["field"]
    shown, frame = part.bounding_box(), page.locator(".field-picture").bounding_box()
    assert shown and frame
    scale = frame["width"] / (right - left)
    assert frame["height"] / (bottom - top) == pytest.approx(scale, rel=0.01)
    assert shown["width"] == pytest.approx(summary["size"] * scale, rel=0.01)
    assert frame["x"] - shown["x"] == pytest.approx(left * scale, abs=1)
    assert frame["y"] - shown["y"] == pytest.approx(top * scale, abs=1)
    whole = page.get_by_role("img", name="Image: ").bounding_box()
    assert whole and whole["width"] == pytest.approx(448, abs=1)


def test_a_job_that_failed_says_why(visit: Visit, client: httpx.Client) -> None:
    params = {"layer": "classifier"}
    answer = client.post("/v1/jobs/filters", data=params, headers={"Prefer": "wait=60"}).json()
    assert answer["error"]["code"] == "not_a_convolution"
    playground = visit(f"#/job/{answer['id']}")
    expect(playground.page.get_by_role("alert")).to_contain_text(answer["error"]["detail"])


def test_an_unknown_job_says_so(visit: Visit) -> None:
    playground = visit(f"#/job/{'0' * 32}")
    expect(playground.page.get_by_role("alert")).to_contain_text("It never existed")


def test_a_download_has_the_bytes_of_the_artifact(
    visit: Visit, client: httpx.Client, small: bytes
) -> None:
    job = finished(client, "saliency", small)
    page = visit(f"#/job/{job['id']}").page
    with page.expect_download() as download:
        page.get_by_role("link", name="values.npy").click()
    artifact = next(a for a in job["result"]["artifacts"] if a["name"] == "values.npy")
    assert download.value.path().read_bytes() == client.get(artifact["url"]).content
    assert download.value.suggested_filename == "values.npy"


def test_every_unit_has_a_link(visit: Visit) -> None:
    playground = visit("#/efficientnet_lite0/blocks.4.0.conv_pw/20")
    page = playground.page
    expect(page.get_by_role("heading", name=f"Channel {UNIT}")).to_be_visible()
    page.get_by_label("Search").fill("blocks.2 conv_dw")
    expect(page.get_by_text("0 of")).to_be_visible()
    page.get_by_label("Search").fill("blocks.2.0.conv_dw")
    page.get_by_role("link", name="blocks.2.0.conv_dw").click()
    assert page.url.endswith("#/efficientnet_lite0/blocks.2.0.conv_dw")
    page.get_by_label("Channel").fill("7")
    page.get_by_label("Channel").press("Enter")
    page.get_by_text("Other techniques").click()
    page.get_by_role("button", name="Saliency").click()
    expect(playground.target).to_have_value("blocks.2.0.conv_dw:7")


def test_a_waiting_job_says_so(visit: Visit, own: httpx.Client, small: bytes) -> None:
    """No worker takes it. The page waits without asking again and again."""
    store_image(own, small)
    job = queue(own, "predict", small)
    playground = visit(f"#/job/{job['id']}", f"{own.base_url}/play/")
    expect(playground.page.locator(".progress-text")).to_have_text("Waiting for a worker.")
    playground.page.get_by_role("button", name="Cancel").click()
    expect(playground.page.get_by_text("The job was canceled")).to_be_visible()


def test_a_batch_is_a_job_without_a_request_to_copy(visit: Visit, own: httpx.Client) -> None:
    """Its parameters are no technique's, and `POST /v1/jobs/batch` does not exist."""
    images = image_set(own)
    batch = own.post("/v1/batches", json={"technique": "saliency", "image_set": images}).json()
    playground = visit("#/history", f"{own.base_url}/play/")
    page = playground.page
    page.get_by_label("Technique").select_option("batch")
    subject = f"top, image set …{images[-6:]}, 3 images"
    expect(page.locator(".jobs li").first).to_contain_text(subject)
    page.get_by_role("link", name="Batch: Saliency").click()
    expect(page.locator(".job header")).to_contain_text(subject)
    expect(page.get_by_role("heading", name="Batch: Saliency")).to_be_visible()
    assert playground.job_id == batch["id"]
    expect(page.get_by_role("button", name="Copy link")).to_be_visible()
    expect(page.get_by_role("button", name="Copy as curl")).to_have_count(0)

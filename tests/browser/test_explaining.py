"""From a picture to a map: uploaded, dropped or pasted, by mouse or by keyboard alone."""

import base64
import io

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.playground import UNIT

_GIVE = """([bytes, kind]) => {
  const file = new File([Uint8Array.from(atob(bytes), c => c.charCodeAt(0))], "photo.png",
                        {type: "image/png"});
  const data = new DataTransfer();
  data.items.add(file);
  const event = kind === "drop"
    ? new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true})
    : new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true});
  (kind === "drop" ? document.querySelector(".drop-zone") : document.body).dispatchEvent(event);
}"""


def receptive_field_centre(client: httpx.Client, y: int, x: int) -> tuple[float, float]:
    """Return the centre of a unit's receptive field as shares of the espresso's sides.

    The network sees the centre square of 350 pixels (224 of 256 of 400) at 224 pixels.
    """
    layers = client.get("/v1/models/efficientnet_lite0/layers?wait=60").json()["items"]
    field = next(layer for layer in layers if layer["path"] == UNIT.partition(":")[0])[
        "receptive_field"
    ]
    centre = [
        field["offset"][axis] + place * field["stride"][axis] + field["size"][axis] / 2
        for axis, place in enumerate((y, x))
    ]
    scale = 350 / 224
    return (125 + centre[1] * scale) / 600, (25 + centre[0] * scale) / 400


def test_a_clicked_neuron_of_an_uploaded_photograph(
    visit: Visit, client: httpx.Client, coffee: bytes
) -> None:
    playground = visit()
    page = playground.page
    files = {"name": "coffee.png", "mimeType": "image/png", "buffer": coffee}
    page.locator(".drop-zone input").set_input_files(files)
    expect(playground.picture_hint).to_have_text("coffee.png, 600 × 400 pixels")
    playground.target.fill(UNIT)
    marks = page.locator(".marks[data-clickable=true]")
    expect(marks).to_be_visible()
    frame = marks.bounding_box()
    assert frame
    across, down = receptive_field_centre(client, 5, 9)
    marks.click(position={"x": across * frame["width"], "y": down * frame["height"]})
    expect(playground.target).to_have_value(f"{UNIT}@5,9")
    expect(page.get_by_label("Row, 0–13")).to_have_value("5")

    job = client.get(f"/v1/jobs/{playground.run_to_end()}").json()
    assert (job["technique"], job["params"]["target"]) == ("saliency", f"{UNIT}@5,9")
    assert job["inputs"]["image"]["width"] == 600
    assert playground.is_loaded(playground.map)
    assert "Saliency of" in (playground.map.get_attribute("alt") or "")


def test_the_slider_and_its_ends_set_the_opacity(visit: Visit) -> None:
    playground = visit()
    playground.choose_sample()
    playground.run_to_end()
    shown = playground.map
    for label, opacity in (("Original", "0"), ("Heatmap", "1"), ("Overlay", "0.6")):
        playground.page.get_by_label(label, exact=True).check()
        expect(shown).to_have_css("opacity", opacity)
    slider = playground.page.get_by_label("Opacity")
    slider.fill("25")
    expect(shown).to_have_css("opacity", "0.25")
    slider.press("ArrowRight")
    expect(shown).to_have_css("opacity", "0.26")


@pytest.mark.parametrize("way", ["drop", "paste"])
def test_a_picture_that_is_given(visit: Visit, coffee: bytes, way: str) -> None:
    playground = visit()
    expect(playground.picture_hint).to_be_visible()
    playground.page.evaluate(_GIVE, [base64.b64encode(coffee).decode(), way])
    expect(playground.picture_hint).to_contain_text("600 × 400 pixels")


def test_a_file_that_is_no_picture(visit: Visit) -> None:
    playground = visit()
    files = {"name": "x.txt", "mimeType": "text/plain", "buffer": b"no picture"}
    playground.page.locator(".drop-zone input").set_input_files(files)
    expect(playground.page.get_by_role("alert")).to_contain_text("The file is not an image")


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the element has the focus."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            return
    raise AssertionError(f"{selector} is not reached by Tab")


def test_the_keyboard_is_enough(visit: Visit, client: httpx.Client) -> None:
    playground = visit()
    page = playground.page
    expect(playground.target).to_be_visible()
    tab_to(page, ".sample")
    page.keyboard.press("Enter")
    expect(playground.picture_hint).to_contain_text("451 × 300")
    tab_to(page, "[name=technique]")
    expect(page.get_by_role("radio", name="Saliency", exact=True)).to_be_checked()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("radio", name="RISE", exact=True)).to_be_checked()
    page.keyboard.press("ArrowDown")
    tab_to(page, "#field-target")
    page.keyboard.type("Egyptian")
    expect(page.get_by_role("option", name="Egyptian cat")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(playground.target).to_have_value("class:285")
    page.keyboard.press("Enter")
    expect(playground.map).to_be_visible()
    expect(page.get_by_role("heading", name="Saliency")).to_be_focused()
    job = client.get(f"/v1/jobs/{playground.job_id}").json()
    assert job["params"]["target"] == "class:285"


def test_a_file_that_the_browser_cannot_show_is_explained(visit: Visit, coffee: bytes) -> None:
    playground = visit()
    page = playground.page
    picture = io.BytesIO()
    Image.open(io.BytesIO(coffee)).convert("RGB").save(picture, "TIFF")
    files = {"name": "coffee.tif", "mimeType": "image/tiff", "buffer": picture.getvalue()}
    page.locator(".drop-zone input").set_input_files(files)
    expect(page.locator(".drop-zone .not-shown")).to_contain_text("cannot show the file")
    playground.run_to_end()
    expect(page.locator(".job .not-shown")).to_contain_text("cannot show the photograph")
    box = playground.map.bounding_box()
    assert box and box["height"] > 100

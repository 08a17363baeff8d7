"""The layer browser: tiles, what reacts at a place, and the link of a neuron."""

import io
import re
from typing import Any

import httpx
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from numpy.typing import NDArray
from playwright.sync_api import Locator, Page, ViewportSize, expect

from tests.browser.conftest import Visit
from tests.browser.playground import Playground
from tests.service.asking import store_image
from workers.toolkit.rendering.colormap import color_table

MODEL = "efficientnet_lite0"
LAYER = "blocks.3.0.bn1.act"
# Pixels of the cat's right eye in the sample, which is on the left, and of the other one.
EYES = [(172, 108), (319, 134)]
PHONE, DESKTOP = ViewportSize(width=360, height=780), ViewportSize(width=1440, height=900)

# A worker may have to load and test the model first.
FIRST_MS = 180_000

Floats = NDArray[np.float32]


class LayerBrowser(Playground):
    """The page of one layer."""

    @property
    def tiles(self) -> Locator:
        return self.page.locator(".tile")

    @property
    def panel(self) -> Locator:
        return self.page.locator(".unit-panel")

    def channels(self, count: int) -> list[int]:
        """Return the channels of the first tiles."""
        return [int(text) for text in self.page.locator(".tile-channel").all_inner_texts()[:count]]

    def click_photo(self, x: float, y: float) -> None:
        """Click a pixel of the sample, which is 451 × 300."""
        frame = self.page.locator(".photo-map img").bounding_box()
        assert frame
        self.page.mouse.click(
            frame["x"] + x / 451 * frame["width"], frame["y"] + y / 300 * frame["height"]
        )


def opened(visit: Visit, link: str = f"#/{MODEL}/{LAYER}", **options: Any) -> LayerBrowser:
    """Open a layer with the sample."""
    playground = visit(link, **options)
    browser = LayerBrowser(playground.page, playground.address)
    browser.page.get_by_role("button", name="a cat").click(timeout=FIRST_MS)
    expect(browser.tiles.first).to_be_visible(timeout=FIRST_MS)
    return browser


def exact_maps(client: httpx.Client) -> tuple[Floats, dict[str, Any]]:
    """Return the maps of all channels of the layer (C, H, W), by channel, and the summary."""
    job = next(
        item
        for item in client.get("/v1/jobs?technique=activations").json()["items"]
        if item["params"]["layer"] == LAYER
    )
    sent = {"image": job["inputs"]["image"]["id"], "layer": LAYER, "model": MODEL}
    wanted = {"maps": "all", "values": "float32", "order": "index"}
    made = client.post(
        "/v1/jobs/activations", json=sent | wanted, headers={"Prefer": "wait=60"}
    ).json()
    assert made["status"] == "succeeded", made
    file = client.get(f"/v1/jobs/{made['id']}/artifacts/maps.npy").content
    return np.load(io.BytesIO(file), allow_pickle=False), made["result"]["summary"]


def around(summary: dict[str, Any], pixel: tuple[int, int]) -> tuple[slice, slice]:
    """Return the rows and columns of the 3 × 3 places around a pixel of the photograph."""
    left, top, right, bottom = summary["map_box"]
    rows, columns = summary["grid"]
    x = int((pixel[0] - left) / (right - left) * columns)
    y = int((pixel[1] - top) / (bottom - top) * rows)
    return slice(y - 1, y + 2), slice(x - 1, x + 2)


def contrasts(maps: Floats, summary: dict[str, Any], pixel: tuple[int, int]) -> Floats:
    """Return how many deviations each channel is above its mean around a pixel, (C,)."""
    rows, columns = around(summary, pixel)
    here = maps[:, rows, columns].mean((1, 2))
    deviations = maps.std((1, 2))
    found: Floats = (here - maps.mean((1, 2))) / np.where(deviations > 0, deviations, np.inf)
    return found


def test_which_channels_react_to_the_eyes(visit: Visit, client: httpx.Client) -> None:
    playground = visit()
    page = playground.page
    page.get_by_role("link", name="Layers").click()
    page.get_by_role("button", name="a cat").click()
    page.get_by_role("link", name="Patterns, eyes").click(timeout=FIRST_MS)
    browser = LayerBrowser(page, playground.address)
    expect(browser.tiles.first).to_be_visible(timeout=FIRST_MS)
    maps, summary = exact_maps(client)
    # ReLU6 ends at 6 in many channels: of these the larger mean is first.
    largest = np.lexsort((-maps.mean((1, 2)), -maps.max((1, 2))))
    assert browser.channels(10) == largest.tolist()[:10]

    browser.click_photo(*EYES[0])
    expect(page.get_by_role("heading", name="What reacts here")).to_be_visible()
    one = contrasts(maps, summary, EYES[0])
    assert browser.channels(5) == np.argsort(-one).tolist()[:5]

    page.get_by_label("Add further places").check()
    browser.click_photo(*EYES[1])
    expect(page.get_by_role("heading", name="What reacts at both places")).to_be_visible()
    both = np.minimum(one, contrasts(maps, summary, EYES[1]))
    best = np.argsort(-both).tolist()
    assert browser.channels(5) == best[:5]
    expect(browser.tiles.first).to_have_accessible_name(
        f"Channel {best[0]}, {both[best[0]]:.1f} deviations above its mean"
    )

    browser.tiles.first.click()
    rows, columns = around(summary, EYES[1])
    y, x = rows.start + 1, columns.start + 1
    target = f"{LAYER}:{best[0]}@{y},{x}"
    expect(browser.panel.get_by_role("heading")).to_have_text(f"Neuron {target}")
    # The panel and the line below the picture speak of that neuron, with its own value.
    said = browser.panel.get_by_text("Its value for this picture is ").inner_text()
    value = float(said.removeprefix("Its value for this picture is ").rstrip("."))
    assert value == pytest.approx(float(maps[best[0], y, x]), abs=float(maps[best[0]].max()) / 255)
    line = f"Channel {best[0]} at row {y}, column {x}: {value:g}"
    expect(page.locator(".photo-map figcaption")).to_have_text(line)
    browser.panel.get_by_role("button", name="Saliency").click()
    expect(playground.map).to_be_visible()
    job = client.get(f"/v1/jobs/{playground.job_id}").json()
    assert (job["technique"], job["params"]["target"]) == ("saliency", target)


def test_tiles_and_overlay_have_the_colours_of_the_server(
    visit: Visit, client: httpx.Client
) -> None:
    browser = opened(visit)
    maps, _ = exact_maps(client)
    channel = browser.channels(1)[0]
    values = maps[channel]
    read = """canvas => [...canvas.getContext("2d").getImageData(
      0, 0, canvas.width, canvas.height).data]"""
    drawn = browser.tiles.first.locator("canvas").evaluate(read)
    colors = np.array(drawn).reshape(*values.shape, 4)
    levels = np.rint(values / values.max() * 254).astype(np.uint8)
    expected = color_table("inferno")[levels].astype(int)
    # The levels are bytes, and the page has every eighth colour of the table.
    assert np.abs(colors[..., :3] - expected).max() <= 8
    assert (colors[..., 3] == 255).all()

    assert browser.page.locator(".photo-map canvas").count() == 0
    browser.tiles.first.hover()
    overlay = browser.page.locator(".photo-map canvas")
    alpha = np.array(overlay.evaluate(read)).reshape(*values.shape, 4)[..., 3]
    assert np.unravel_index(alpha.argmax(), alpha.shape) == np.unravel_index(
        values.argmax(), values.shape
    )
    frame, photo = overlay.bounding_box(), browser.page.locator(".photo-map img").bounding_box()
    assert frame and photo
    # The network sees the centre: 262.5 of 300 pixels (224 of 256).
    assert frame["height"] / photo["height"] == pytest.approx(0.875, abs=0.01)
    assert frame["width"] == pytest.approx(frame["height"], abs=1)


def test_a_place_in_a_tile_is_a_neuron(visit: Visit) -> None:
    browser = opened(visit)
    canvas = browser.tiles.nth(3).locator("canvas")
    frame, channel = canvas.bounding_box(), browser.channels(4)[3]
    assert frame
    across, down = (20 + 0.5) / 28 * frame["width"], (9 + 0.5) / 28 * frame["height"]
    canvas.click(position={"x": across, "y": down})
    browser.page.wait_for_url(re.compile(rf"#/{MODEL}/{LAYER}/{channel}@9,20$"))
    expect(browser.panel.get_by_role("heading")).to_have_text(f"Neuron {LAYER}:{channel}@9,20")
    browser.panel.get_by_role("radio", name="Whole channel").check()
    expect(browser.panel.get_by_role("heading")).to_have_text(f"Channel {LAYER}:{channel}")


def test_a_click_beside_the_square_is_answered(visit: Visit) -> None:
    browser = opened(visit)
    page = browser.page
    said = page.locator(".photo-map").get_by_role("status")
    expect(said).to_have_text("")
    browser.click_photo(10, 150)
    expect(said).to_have_text("The network does not see this part.")
    expect(page.get_by_role("heading", name="Channels")).to_be_visible()
    browser.click_photo(*EYES[0])
    expect(said).to_have_text("")
    expect(page.get_by_role("heading", name="What reacts here")).to_be_visible()


def test_a_field_that_is_larger_than_the_input(visit: Visit) -> None:
    """Places of the last block have fields of more than 224 × 224 pixels."""
    page = visit(f"#/{MODEL}/blocks.6.0.conv_dw").page
    facts = page.locator(".layer-title .note")
    expect(facts).to_contain_text("sees the whole input of the network and beyond its edge")
    page.goto(page.url.replace("blocks.6.0.conv_dw", "blocks.1.0.conv_dw"))
    expect(facts).to_contain_text("pixels of the network's input.")


def test_another_picture_has_maps_of_its_own(visit: Visit, client: httpx.Client) -> None:
    browser = opened(visit)
    page = browser.page
    before = browser.channels(8)
    page.get_by_text("Another picture").click()
    page.get_by_role("button", name="an espresso").click()
    # The two channels that reach 6 at most places are the first for both pictures.
    expect(page.locator(".tile-channel").nth(2)).not_to_have_text(str(before[2]))
    maps, _ = exact_maps(client)
    largest = np.lexsort((-maps.mean((1, 2)), -maps.max((1, 2))))
    assert browser.channels(8) == largest.tolist()[:8] != before


def test_top_patches_of_an_image_set(visit: Visit, client: httpx.Client, small: bytes) -> None:
    ids = [store_image(client, small)["id"]]
    made = client.post("/v1/image-sets", json={"name": "cups", "ids": ids}).json()
    browser = opened(visit, f"#/{MODEL}/{LAYER}/20@7,7")
    browser.panel.get_by_role("button", name="Top patches cups, 1 image").click()
    browser.page.wait_for_url(re.compile("#/job/"))
    job = client.get(f"/v1/jobs/{browser.job_id}").json()
    assert (job["technique"], job["params"]["target"]) == ("top_patches", f"{LAYER}:20")
    assert job["params"]["image_set"] == made["id"]


def test_sets_that_are_made_together_have_different_buttons(
    visit: Visit, client: httpx.Client, small: bytes
) -> None:
    ids = [store_image(client, small)["id"]]
    made = [client.post("/v1/image-sets", json={"ids": ids}).json()["id"] for _ in range(2)]
    browser = LayerBrowser(visit(f"#/{MODEL}/{LAYER}/20").page, "")
    for each in made:
        name = re.compile(f"Top patches unnamed, .*…{each[-6:]}, 1 image")
        expect(browser.panel.get_by_role("button", name=name)).to_have_count(1)


def test_a_link_opens_a_neuron_without_a_picture(visit: Visit, client: httpx.Client) -> None:
    browser = LayerBrowser(visit(f"#/{MODEL}/{LAYER}/20@7,7").page, "")
    expect(browser.panel.get_by_role("heading")).to_have_text(f"Neuron {LAYER}:20@7,7")
    expect(browser.panel.get_by_role("button", name="Saliency")).to_have_count(0)
    browser.panel.get_by_role("button", name="Maximize").click()
    browser.page.wait_for_url(re.compile("#/job/"))
    job = client.post(f"/v1/jobs/{browser.job_id}/cancel").json()
    assert (job["technique"], job["params"]["target"]) == (
        "activation_maximization",
        f"{LAYER}:20@7,7",
    )


def test_a_channel_that_the_layer_does_not_have(visit: Visit) -> None:
    page = visit(f"#/{MODEL}/{LAYER}/240").page
    expect(page.locator(".callout")).to_contain_text("channels 0 to 239; 240 is outside")


def test_a_layer_without_a_map_has_plain_tiles(visit: Visit) -> None:
    browser = opened(visit, f"#/{MODEL}/global_pool")
    expect(browser.page.get_by_role("status").filter(has_text="1280 channels")).to_be_visible()
    assert browser.page.locator(".photo-map button").count() == 0
    browser.tiles.first.click()
    channel = browser.channels(1)[0]
    expect(browser.panel.get_by_role("heading")).to_have_text(f"Channel global_pool:{channel}")


def test_layers_are_searched_and_grouped(visit: Visit) -> None:
    page = visit(f"#/{MODEL}").page
    groups = page.locator(".layer-groups details")
    expect(groups.filter(has_text="blocks.4")).not_to_have_attribute("open", "")
    page.get_by_label("Search layers").fill("ReLU6 blocks.2")
    expect(page.get_by_role("status").filter(has_text="0 of")).to_be_visible()
    page.get_by_label("Search layers").fill("blocks.2.0.conv")
    names = page.locator(".layer-groups a .name")
    expect(names).to_have_text([f"blocks.2.0.conv_{part}" for part in ("pw", "dw", "pwl")])
    names.first.click()
    page.wait_for_url(re.compile(r"#/efficientnet_lite0/blocks\.2\.0\.conv_pw$"))
    expect(groups.filter(has_text="blocks.2")).to_have_attribute("open", "")


def test_the_keyboard_is_enough(visit: Visit, client: httpx.Client) -> None:
    browser = opened(visit)
    page = browser.page
    maps, _ = exact_maps(client)
    browser.tiles.first.focus()
    columns = len(
        browser.page.locator(".tiles")
        .evaluate("grid => getComputedStyle(grid).gridTemplateColumns")
        .split(" ")
    )
    for key in ("ArrowDown", "ArrowRight", "ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)
    expect(browser.tiles.nth(columns + 1)).to_be_focused()
    expect(page.locator(".photo-map canvas")).to_be_visible()
    page.keyboard.press("Enter")
    channel = browser.channels(columns + 2)[-1]
    y, x = np.unravel_index(int(maps[channel].argmax()), maps[channel].shape)
    expect(browser.panel.get_by_role("heading")).to_have_text(f"Neuron {LAYER}:{channel}@{y},{x}")
    # Tiles are one stop of the tabulator.
    assert page.locator(".tile[tabindex='0']").count() == 1

    page.get_by_role("button", name="Choose a place of the picture").focus()
    for key in ("ArrowUp", "ArrowLeft", "ArrowLeft"):
        page.keyboard.press(key)
    place = page.get_by_role("button", name="Place at row 13, column 12")
    expect(place).to_be_focused()
    here = maps[:, 12:15, 11:14].mean((1, 2)) - maps.mean((1, 2))
    assert browser.channels(1)[0] == int((here / maps.std((1, 2)).clip(1e-9)).argmax())
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Channels")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_axe_finds_nothing(visit: Visit, size: ViewportSize, scheme: str) -> None:
    playground = visit(f"#/{MODEL}", viewport=size, color_scheme=scheme)
    page = playground.page
    expect(page.get_by_role("link", name="Patterns, eyes")).to_be_visible(timeout=FIRST_MS)
    check(page)
    page.get_by_role("button", name="a cat").click()
    page.get_by_role("link", name="Patterns, eyes").click()
    browser = LayerBrowser(page, playground.address)
    expect(browser.tiles.first).to_be_visible()
    check(page)
    browser.click_photo(*EYES[0])
    browser.tiles.first.click()
    expect(browser.panel).to_be_visible()
    check(page)


def check(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

"""The form that a technique's JSON Schema becomes, and what the server says against it."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
from PIL import Image
from playwright.sync_api import expect

from tests.browser.conftest import Visit


def test_every_parameter_of_every_technique_has_a_field(visit: Visit, client: httpx.Client) -> None:
    techniques = client.get("/v1/techniques").json()["items"]
    playground = visit(viewport={"width": 360, "height": 780})
    page = playground.page
    expect(page.locator(".card")).to_have_count(len(techniques))
    for technique in techniques:
        playground.choose_technique(technique["title"])
        advanced = page.locator("details.advanced")
        if advanced.count() and not advanced.get_attribute("open"):
            advanced.locator("> summary").click()
        names = set(technique["parameters"]["properties"])
        for name in names:
            field = page.locator(f"#field-{name}")
            expect(field).to_be_visible()
            help_id = (field.get_attribute("aria-describedby") or "").split()[0]
            expect(page.locator(f"#{help_id}")).not_to_be_empty()
            expect(page.locator(f"label[for=field-{name}]")).not_to_be_empty()
        assert page.evaluate("document.documentElement.scrollWidth") == 360, technique["name"]


def test_a_refusal_is_shown_at_its_field(visit: Visit) -> None:
    playground = visit()
    page = playground.page
    playground.choose_sample()
    page.get_by_label("Samples").fill("0")
    playground.run()
    field = page.locator("#field-samples")
    expect(page.locator("#field-samples-error")).to_have_text("Must be greater than or equal to 1")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_focused()
    expect(page.get_by_role("alert")).to_contain_text("invalid_parameters")
    field.fill("2")
    playground.run_to_end()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_refusal_unfolds_the_field_that_it_is_about(visit: Visit) -> None:
    playground = visit()
    page = playground.page
    playground.choose_sample()
    page.locator("details.advanced > summary").click()
    page.get_by_label("Noise").fill("-1")
    page.locator("details.advanced > summary").click()
    expect(page.locator("#field-noise")).to_have_count(0)
    playground.run()
    expect(page.locator("#field-noise-error")).to_contain_text("greater than or equal to 0")


def test_a_unit_that_does_not_exist(visit: Visit) -> None:
    playground = visit()
    playground.choose_sample()
    playground.target.fill("blocks.4.0.conv_pw:2000")
    playground.run()
    expect(playground.page.locator("#field-target-error")).to_contain_text("channels 0 to 479")


def test_without_a_picture_the_form_says_what_is_missing(visit: Visit) -> None:
    playground = visit()
    expect(playground.target).to_be_visible()
    playground.run()
    expect(playground.page.get_by_text("Choose a picture first.")).to_be_visible()


def test_only_what_was_entered_counts_as_changed(visit: Visit) -> None:
    playground = visit()
    changed = playground.page.locator(".advanced .badge")
    playground.choose_sample()
    playground.run_to_end()
    expect(playground.page.locator(".advanced")).to_be_visible()
    expect(changed).to_have_count(0)
    playground.page.locator(".advanced > summary").click()
    playground.page.get_by_label("Figure for print").select_option("none")
    expect(changed).to_have_text("1 changed")
    playground.run_to_end()
    expect(changed).to_have_text("1 changed")


def test_models_are_searched(visit: Visit) -> None:
    page = visit().page
    model = page.get_by_role("combobox", name="Model", exact=True)
    model.fill("resnet1")
    page.get_by_role("option").filter(has_text=re.compile("^resnet152")).click()
    expect(model).to_have_value("resnet152")


def test_the_copied_command_runs(
    visit: Visit, client: httpx.Client, coffee: bytes, tmp_path: Path
) -> None:
    playground = visit(permissions=["clipboard-read", "clipboard-write"])
    page = playground.page
    (tmp_path / "my photo's copy.png").write_bytes(coffee)
    page.locator(".drop-zone input").set_input_files(tmp_path / "my photo's copy.png")
    expect(playground.picture_hint).to_contain_text("600 × 400")
    playground.target.fill("class:Egyptian cat")
    page.locator(".job-form").get_by_role("button", name="Copy as curl").click()
    expect(page.get_by_text("Copied")).to_be_visible()
    command = page.evaluate("navigator.clipboard.readText()")
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, capture_output=True, timeout=60, check=True
    )
    job = httpx.Response(200, content=done.stdout).json()
    assert job["status"] == "succeeded", command
    assert job["params"]["target"] == "class:Egyptian cat"


def test_the_copied_python_is_python(visit: Visit) -> None:
    playground = visit(permissions=["clipboard-read", "clipboard-write"])
    page = playground.page
    playground.choose_sample()
    playground.target.fill("blocks.4.0.conv_pw:20")
    page.get_by_label("Test how far to trust the map").check()
    page.locator(".job-form").get_by_role("button", name="Copy as Python").click()
    expect(page.get_by_text("Copied")).to_be_visible()
    tree = ast.parse(page.evaluate("navigator.clipboard.readText()"))
    calls = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    wanted = "rs.saliency('chelsea.jpg', target='blocks.4.0.conv_pw:20', figure='png', check=True)"
    assert wanted in calls
    assert "result['overlay.png'].save('out')" in calls


def test_the_copied_python_runs_with_the_client(
    visit: Visit, client: httpx.Client, coffee: bytes, tmp_path: Path
) -> None:
    playground = visit(permissions=["clipboard-read", "clipboard-write"])
    page = playground.page
    (tmp_path / "photo.png").write_bytes(coffee)
    page.locator(".drop-zone input").set_input_files(tmp_path / "photo.png")
    expect(playground.picture_hint).to_contain_text("600 × 400")
    page.locator(".job-form").get_by_role("button", name="Copy as Python").click()
    expect(page.get_by_text("Copied")).to_be_visible()
    (tmp_path / "copied.py").write_text(page.evaluate("navigator.clipboard.readText()"))
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2] / "client")}
    subprocess.run(
        [sys.executable, "copied.py"], cwd=tmp_path, env=environment, timeout=240, check=True
    )
    with Image.open(tmp_path / "out" / "overlay.png") as overlay:
        assert overlay.size == (600, 400)

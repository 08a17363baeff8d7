"""The catalog of techniques is complete and consistent, and its examples run."""

import re
import shlex
from urllib.parse import urlsplit

import httpx
import pytest

from catalog.registry import techniques
from tests.service.asking import refused, store_image

NAMES = sorted(techniques())
QUICK = {
    "occlusion": {"window": 112, "stride": 112},
    "rise": {"masks": 32},
    "activation_maximization": {"steps": 3},
    "style_transfer": {"steps": 3, "size": 64},
    "fooling": {"mode": "rubbish", "steps": 20},
    "inversion": {"steps": 3},
}


@pytest.fixture
def image_set(client: httpx.Client, stored: str, coffee: bytes) -> str:
    """Return a set of the stored image and its original.

    `top_channels` leaves out the image that it is asked about, and needs another.
    """
    ids = [stored, store_image(client, coffee)["id"]]
    return str(client.post("/v1/image-sets", json={"ids": ids}).json()["id"])


def minimal_inputs(technique: dict) -> set[str]:
    """Return the inputs of the shortest request."""
    return {image["name"] for image in technique["images"] if image["required"]} | set(
        technique["one_of"][:1]
    )


def test_the_list_holds_every_technique(client: httpx.Client) -> None:
    items = client.get("/v1/techniques").json()["items"]
    assert [item["name"] for item in items] == NAMES
    assert all(client.get(f"/v1/techniques/{item['name']}").json() == item for item in items)


@pytest.mark.parametrize("name", NAMES)
def test_a_technique_explains_itself(client: httpx.Client, name: str) -> None:
    technique = client.get(f"/v1/techniques/{name}").json()
    for text in ("title", "description", "reference", "score", "example"):
        assert technique[text]
    assert technique["queue"] in ("fast", "slow")
    assert all(image["description"] for image in technique["images"])
    assert all(artifact["description"] for artifact in technique["artifacts"])
    for parameter, schema in technique["parameters"]["properties"].items():
        assert schema["description"], parameter
        assert "default" in schema or parameter in technique["parameters"]["required"], parameter


@pytest.mark.parametrize("name", NAMES)
def test_the_example_uses_what_the_technique_takes(client: httpx.Client, name: str) -> None:
    technique = client.get(f"/v1/techniques/{name}").json()
    fields = example(technique)[1]
    images = {image["name"] for image in technique["images"]}
    assert {field for field, value in fields.items() if value == "@photo.jpg"} == minimal_inputs(
        technique
    )
    assert fields.keys() <= images | technique["parameters"]["properties"].keys()
    assert fields.keys() >= set(technique["parameters"].get("required", []))


@pytest.mark.parametrize("name", NAMES)
def test_the_example_is_accepted(
    client: httpx.Client, small: bytes, image_set: str, name: str
) -> None:
    path, fields = example(client.get(f"/v1/techniques/{name}").json())
    files = {field: small for field, value in fields.items() if value == "@photo.jpg"}
    data = {field: value for field, value in fields.items() if field not in files}
    if "image_set" in data:
        data["image_set"] = image_set
    answer = client.post(path, files=files, data=data)
    assert answer.status_code == 202, answer.text
    assert {
        field: str(value) for field, value in answer.json()["params"].items()
    }.items() >= data.items()
    client.post(answer.json()["urls"]["cancel"])


@pytest.mark.parametrize("name", NAMES)
def test_a_job_leaves_what_is_promised(
    client: httpx.Client, stored: str, image_set: str, name: str
) -> None:
    technique = client.get(f"/v1/techniques/{name}").json()
    images = dict.fromkeys(minimal_inputs(technique), stored)
    _, fields = example(technique)
    needed = {field: fields[field] for field in technique["parameters"].get("required", [])}
    if "image_set" in needed:
        needed["image_set"] = image_set
    body = images | needed | QUICK.get(name, {})
    job = client.post(f"/v1/jobs/{name}", json=body, headers={"Prefer": "wait=60"}).json()
    assert job["status"] == "succeeded", job
    left = {
        re.sub(r"\d+", "{n}", item["name"]): item["media_type"]
        for item in job["result"]["artifacts"]
    }
    assert left == {
        item["name"]: item["media_type"] for item in technique["artifacts"] if not item["only_with"]
    }
    properties = technique["summary"]["properties"]
    assert (
        set(technique["summary"]["required"])
        <= job["result"]["summary"].keys()
        <= properties.keys()
    )


def test_a_checked_map_comes_with_its_numbers_and_all_its_files(
    client: httpx.Client, small: bytes
) -> None:
    promised = client.get("/v1/techniques/saliency").json()["artifacts"]
    files, data = {"image": ("photo.png", small)}, {"check": "true"}
    job = client.post(
        "/v1/jobs/saliency", files=files, data=data, headers={"Prefer": "wait=60"}
    ).json()
    assert job["status"] == "succeeded", job["error"]
    assert job["params"]["check"] is True
    assert {item["name"] for item in job["result"]["artifacts"]} == {
        item["name"] for item in promised if item["only_with"] in (None, "check")
    }
    assert job["result"]["summary"]["check"]["verdict"]
    assert [item["name"] for item in promised if item["only_with"] == "check"] == ["check.png"]


def test_a_technique_that_is_not_there(client: httpx.Client) -> None:
    refused(
        client.get("/v1/techniques/salincy"),
        404,
        "unknown_technique",
        "'saliency'",
        "GET /v1/techniques",
    )


def example(technique: dict) -> tuple[str, dict[str, str]]:
    """Return path and form fields of a `curl` line."""
    program, *words = shlex.split(technique["example"])
    assert program == "curl"
    *options, url = words
    assert set(options[::2]) <= {"-F"}
    return urlsplit(url).path, dict(option.split("=", 1) for option in options[1::2])

"""A set of photographs, and questions about it over HTTP."""

import httpx
import pytest

from retinoscope.demo_plan import all_photographs
from tests.service.asking import ended


@pytest.fixture(scope="module")
def image_set(stack: object) -> str:
    return _made(stack)


def _made(stack: object) -> str:
    address = stack.plan.address  # type: ignore[attr-defined]
    files = [("image", (path.name, path.read_bytes())) for path in all_photographs()[:8]]
    with httpx.Client(base_url=address, timeout=60) as client:
        created = client.post("/v1/image-sets", data={"name": "eight"}, files=files)
    assert created.status_code == 201, created.text
    return str(created.json()["id"])


def ask(client: httpx.Client, **fields: str) -> dict:  # type: ignore[type-arg]
    answer = client.post("/v1/jobs/top_patches", data=fields)
    assert answer.status_code in (200, 202), answer.text
    return ended(client, answer.json())


def test_the_first_question_pays_and_the_second_calls_no_model(
    client: httpx.Client, image_set: str
) -> None:
    first = ask(client, image_set=image_set, target="conv_stem:8", k="3")
    second = ask(client, image_set=image_set, target="conv_stem:3", k="3")
    assert first["status"] == second["status"] == "succeeded"
    assert first["result"]["summary"]["index"]["added"] == 8
    assert second["result"]["summary"]["index"] == {"images": 8, "added": 0, "model_calls": 0}
    names = {artifact["name"] for artifact in second["result"]["artifacts"]}
    assert names == {
        "patches.png",
        "places.png",
        "patch-1.png",
        "patch-2.png",
        "patch-3.png",
        "patches.json",
    }
    assert second["result"]["summary"]["patches"][0]["image"].startswith("sha256:")


def test_images_that_are_added_are_seen_by_the_next_question(
    client: httpx.Client, image_set: str
) -> None:
    ask(client, image_set=image_set, target="conv_stem:8")
    path = all_photographs()[9]
    added = client.post(
        f"/v1/image-sets/{image_set}/images", files={"image": (path.name, path.read_bytes())}
    )
    assert added.status_code == 200, added.text
    job = ask(client, image_set=image_set, target="conv_stem:8", k="9")
    assert job["result"]["summary"]["index"]["added"] == 1
    assert len(job["result"]["summary"]["patches"]) == 9


def test_what_a_layer_sees_in_an_image(
    client: httpx.Client, image_set: str, chelsea: bytes
) -> None:
    fields = {
        "image_set": image_set,
        "layer": "blocks.4.0.conv_pw",
        "channels": "3",
        "at": "200,150",
    }
    answer = client.post(
        "/v1/jobs/top_channels", data=fields, files={"image": ("cat.png", chelsea)}
    )
    job = ended(client, answer.json())
    assert job["status"] == "succeeded", job["error"]
    assert [len(channel["patches"]) for channel in job["result"]["summary"]["channels"]] == [
        5,
        5,
        5,
    ]


@pytest.mark.parametrize("image_set", ["0" * 32, "nonsense", "../../etc"])
def test_a_set_that_does_not_exist_is_refused_at_the_door(
    client: httpx.Client, image_set: str
) -> None:
    answer = client.post(
        "/v1/jobs/top_patches", data={"image_set": image_set, "target": "class:285"}
    )
    assert answer.status_code == 422
    assert answer.json()["code"] == "unknown_image_set"
    assert answer.json()["errors"][0]["pointer"] == "/image_set"


def test_an_empty_set_is_refused_at_the_door(client: httpx.Client) -> None:
    empty = client.post("/v1/image-sets", json={"name": "empty"}).json()["id"]
    answer = client.post("/v1/jobs/top_patches", data={"image_set": empty, "target": "class:285"})
    assert answer.status_code == 422
    assert answer.json()["code"] == "empty_image_set"
    assert "empty" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("top", "invalid_target"),
        ("nowhere:3", "unknown_layer"),
        ("conv_stem:99", "unknown_channel"),
    ],
)
def test_a_target_that_is_no_channel_is_refused_at_the_door(
    client: httpx.Client, image_set: str, target: str, code: str
) -> None:
    answer = client.post("/v1/jobs/top_patches", data={"image_set": image_set, "target": target})
    assert (answer.status_code, answer.json()["code"]) == (422, code)

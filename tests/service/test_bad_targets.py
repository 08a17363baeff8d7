"""Neurons that a model does not have: the response names near matches and the listing."""

import httpx
import pytest

from tests.service.asking import refused

pytestmark = pytest.mark.usefixtures("nothing_queued", "described")

LAYER = "blocks.4.0.conv_pw"  # (480, 14, 14)
LISTING = "GET /v1/models/efficientnet_lite0/"


@pytest.fixture
def described(client: httpx.Client) -> None:
    """Wait until a worker has described the models; before that a target is checked in the job."""
    for model in ("efficientnet_lite0", "squeezenet1_1"):
        assert client.get(f"/v1/models/{model}/layers?wait=60").status_code == 200


@pytest.mark.parametrize(
    ("target", "code", "said"),
    [
        ("blocks.4.0.conv_p", "unknown_layer", [f"'{LAYER}'", f"{LISTING}layers"]),
        ("blocks.4.0.conv_p:3", "unknown_layer", [f"'{LAYER}'", f"{LISTING}layers"]),
        ("TOP", "unknown_layer", [f"{LISTING}layers"]),
        ("__class__", "unknown_layer", [f"{LISTING}layers"]),
        (f"{LAYER}:480", "unknown_channel", [LAYER, "0 to 479", "480"]),
        (f"{LAYER}:20@14,0", "unknown_position", [LAYER, "13,13", "14,0"]),
        (f"{LAYER}:20@0,14", "unknown_position", [LAYER, "13,13", "0,14"]),
        ("classifier:3@0,0", "unknown_position", ["classifier", "without positions"]),
        ("classifier:3@center", "unknown_position", ["classifier", "without positions"]),
        ("class:1000", "unknown_class", ["0 to 999", f"{LISTING}classes"]),
        ("class:-1", "unknown_class", [f"{LISTING}classes"]),
        ("class:99999999999999999999", "unknown_class", ["0 to 999"]),
        ("class:", "unknown_class", [f"{LISTING}classes"]),
        ("class:Egyptian cta", "unknown_class", ["mean class:Egyptian cat", f"{LISTING}classes"]),
        ("", "invalid_target", ["class:285", "layer"]),
        ("::", "invalid_target", ["class:285", "layer"]),
        (f"{LAYER}:", "invalid_target", ["layer:20"]),
        (f"{LAYER}:-1", "invalid_target", ["layer:20"]),
        (f"{LAYER}:20@7", "invalid_target", ["layer:20@7,7"]),
        (f"{LAYER}:20@7,7,7", "invalid_target", ["layer:20@7,7"]),
        (f"{LAYER}:20@-1,0", "invalid_target", ["layer:20@7,7"]),
        (f"{LAYER}:20@middle", "invalid_target", ["layer:20@center"]),
        (f"{LAYER}@7,7", "invalid_target", ["layer:20@7,7"]),
        ("../../etc/passwd", "invalid_target", ["class:285"]),
        ("class:285\nclass:286", "unknown_class", [f"{LISTING}classes"]),
    ],
)
def test_a_target_that_does_not_exist(
    client: httpx.Client, stored: str, target: str, code: str, said: list[str]
) -> None:
    answer = client.post("/v1/jobs/saliency", json={"image": stored, "target": target})
    problem = refused(answer, 422, code, *said)
    assert [error["pointer"] for error in problem["errors"]] == ["/target"]


@pytest.mark.parametrize("technique", ["occlusion", "guided_backprop"])
def test_every_technique_checks_its_target(
    client: httpx.Client, stored: str, technique: str
) -> None:
    answer = client.post(f"/v1/jobs/{technique}", json={"image": stored, "target": f"{LAYER}:480"})
    refused(answer, 422, "unknown_channel", "0 to 479")


def test_a_model_that_never_ran_is_checked_as_well(client: httpx.Client, stored: str) -> None:
    body = {"image": stored, "model": "squeezenet1_1", "target": "features.12.expand3x4:0"}
    refused(
        client.post("/v1/jobs/saliency", json=body), 422, "unknown_layer", "'features.12.expand3x3'"
    )


@pytest.mark.parametrize(
    ("targets", "code", "said"),
    [
        (f"{LAYER}, blocks.9", "unknown_layer", ["'blocks.9'", f"{LISTING}layers"]),
        (f"{LAYER}:480*0.5", "unknown_channel", ["0 to 479"]),
        ("class:Egyptian cta*2", "unknown_class", ["mean class:Egyptian cat"]),
        (f"{LAYER}*x", "invalid_target", ["weight 'x'", "class:285*-0.5"]),
        (f"{LAYER}:20@7,7", "invalid_target", ["Leave out the @ part"]),
        ("", "invalid_target", ["A target is missing"]),
    ],
)
def test_one_of_several_targets_that_does_not_exist(
    client: httpx.Client, stored: str, targets: str, code: str, said: list[str]
) -> None:
    answer = client.post("/v1/jobs/deep_dream", json={"image": stored, "targets": targets})
    problem = refused(answer, 422, code, *said)
    assert [error["pointer"] for error in problem["errors"]] == ["/targets"]


@pytest.mark.parametrize(
    ("technique", "field", "images"),
    [("grad_cam", "layer", ["image"]), ("style_transfer", "style_layers", ["content", "style"])],
)
def test_a_layer_without_a_map(
    client: httpx.Client, stored: str, technique: str, field: str, images: list[str]
) -> None:
    body = {field: "global_pool"} | dict.fromkeys(images, stored)
    problem = refused(
        client.post(f"/v1/jobs/{technique}", json=body), 422, "layer_without_map", "'bn2'."
    )
    assert problem["errors"][0]["pointer"] == f"/{field}"


def test_a_guide_without_a_layer_to_lead(client: httpx.Client, stored: str) -> None:
    body = {"image": stored, "guide": stored, "targets": f"{LAYER}:3, class:5, top"}
    problem = refused(
        client.post("/v1/jobs/deep_dream", json=body), 422, "invalid_parameters", "Add one"
    )
    assert problem["errors"][0]["pointer"] == "/guide"

"""Invalid parameters: the response names them, and nothing is queued."""

from typing import Any

import httpx
import pytest

from tests.service.asking import refused

pytestmark = pytest.mark.usefixtures("nothing_queued")

BIG = "efficientnet_b7"  # sees 600 × 600


def ask(client: httpx.Client, technique: str, stored: str, **fields: Any) -> httpx.Response:
    return client.post(f"/v1/jobs/{technique}", json={"image": stored, **fields})


@pytest.mark.parametrize(
    ("technique", "field", "value"),
    [
        ("occlusion", "window", "big"),
        ("occlusion", "window", [32]),
        ("occlusion", "window", {"pixels": 32}),
        ("saliency", "samples", None),
        ("occlusion", "window", 32.5),
        ("occlusion", "window", -1),
        ("occlusion", "window", 0),
        ("occlusion", "stride", -8),
        ("occlusion", "fill", "pink"),
        ("occlusion", "fill", 3),
        ("occlusion", "target", 285),
        ("occlusion", "target", "x" * 301),
        ("occlusion", "model", 5),
        ("occlusion", "model", None),
        ("occlusion", "seed", -1),
        ("occlusion", "seed", 2**63),
        ("occlusion", "seed", 10**400),
        ("saliency", "samples", 0),
        ("saliency", "samples", 1_000_000),
        ("saliency", "noise", -0.1),
        ("saliency", "noise", "loud"),
        ("guided_backprop", "rule", "GUIDED"),
        ("predict", "top_k", 0),
        ("predict", "top_k", 1001),
        ("predict", "target", "top"),
        ("occlusion", "windw", 32),
        ("occlusion", "", 1),
        ("occlusion", "__class__", "x"),
    ],
)
def test_a_wrong_value_is_pointed_at(
    client: httpx.Client, stored: str, technique: str, field: str, value: object
) -> None:
    problem = refused(
        ask(client, technique, stored, **{field: value}), 422, "invalid_parameters", field
    )
    assert [error["pointer"] for error in problem["errors"]] == [f"/{field}"]
    assert problem["errors"][0]["message"]


@pytest.mark.parametrize(
    ("technique", "fields", "idle", "used_by"),
    [
        (
            "activation_maximization",
            {"target": "class:1", "blur_every": 4},
            "blur_every",
            "simonyan and yosinski",
        ),
        ("activation_maximization", {"target": "class:1", "diversity": 2}, "diversity", "count"),
        (
            "fooling",
            {"goal": "lion", "norm": "linf", "mode": "rubbish"},
            "norm",
            "mode adversarial",
        ),
        ("inversion", {"alpha": 2}, "alpha", "mahendran_vedaldi"),
        ("deep_dream", {"zoom": 1.1}, "zoom", "zoom_frames"),
    ],
)
def test_what_would_have_no_effect_is_refused(
    client: httpx.Client,
    stored: str,
    technique: str,
    fields: dict[str, Any],
    idle: str,
    used_by: str,
) -> None:
    problem = refused(ask(client, technique, stored, **fields), 422, "invalid_parameters", used_by)
    assert [error["pointer"] for error in problem["errors"]] == [f"/{idle}"]


def test_several_wrong_values_are_all_pointed_at(client: httpx.Client, stored: str) -> None:
    problem = refused(
        ask(client, "occlusion", stored, window=-1, fill="pink"), 422, "invalid_parameters"
    )
    assert sorted(error["pointer"] for error in problem["errors"]) == ["/fill", "/window"]


def test_an_unknown_parameter_is_answered_with_the_known_ones(
    client: httpx.Client, stored: str
) -> None:
    refused(
        ask(client, "occlusion", stored, windw=8),
        422,
        "invalid_parameters",
        "windw",
        "window",
        "stride",
        "fill",
    )


@pytest.mark.parametrize("text", ["nan", "NaN", "inf", "-Infinity", "1e400"])
def test_a_number_that_is_none_in_a_form(client: httpx.Client, small: bytes, text: str) -> None:
    answer = client.post("/v1/jobs/saliency", files={"image": small}, data={"noise": text})
    refused(answer, 422, "invalid_parameters", "noise", "finite")


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_is_none_in_json(client: httpx.Client, stored: str, text: str) -> None:
    body = f'{{"image": "{stored}", "noise": {text}}}'
    answer = client.post(
        "/v1/jobs/saliency", content=body, headers={"Content-Type": "application/json"}
    )
    refused(answer, 400, "invalid_request", text)


def test_a_json_number_beyond_floating_point(client: httpx.Client, stored: str) -> None:
    body = f'{{"image": "{stored}", "noise": 1e400}}'
    answer = client.post(
        "/v1/jobs/saliency", content=body, headers={"Content-Type": "application/json"}
    )
    refused(answer, 422, "invalid_parameters", "noise", "finite")


def test_a_window_larger_than_what_the_model_sees(client: httpx.Client, stored: str) -> None:
    problem = refused(
        ask(client, "occlusion", stored, window=225), 422, "invalid_parameters", "225", "224"
    )
    assert problem["errors"][0]["pointer"] == "/window"


def test_a_stride_that_would_leave_gaps(client: httpx.Client, stored: str) -> None:
    problem = refused(
        ask(client, "occlusion", stored, window=16, stride=17),
        422,
        "invalid_parameters",
        "16",
        "17",
    )
    assert problem["errors"][0]["pointer"] == "/stride"


def test_a_grid_of_hundreds_of_thousands_names_the_limit(client: httpx.Client, stored: str) -> None:
    answer = ask(client, "occlusion", stored, model=BIG, window=1, stride=1)
    refused(answer, 422, "too_expensive", "360,000", "20,000", "stride")


def test_an_unknown_model_is_answered_with_near_names(client: httpx.Client, stored: str) -> None:
    problem = refused(
        ask(client, "saliency", stored, model="resnet5"),
        422,
        "unknown_model",
        "resnet50",
        "/v1/models",
    )
    assert [error["pointer"] for error in problem["errors"]] == ["/model"]


def test_an_unknown_technique_is_answered_with_near_names(
    client: httpx.Client, stored: str
) -> None:
    refused(
        ask(client, "occlussion", stored), 404, "unknown_technique", "'occlusion'", "/v1/techniques"
    )


def test_a_name_of_megabytes_is_not_sent_back(client: httpx.Client, stored: str) -> None:
    answer = ask(client, "saliency", stored, model="x" * 3_000_000)
    refused(answer, 422, "unknown_model")
    assert len(answer.content) < 2000


def test_a_pointer_escapes_what_rfc_6901_escapes(client: httpx.Client, stored: str) -> None:
    problem = refused(ask(client, "occlusion", stored, **{"a/b~c": 1}), 422, "invalid_parameters")
    assert problem["errors"][0]["pointer"] == "/a~1b~0c"

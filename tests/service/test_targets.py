"""Any technique can explain any neuron, and the result says which one it was."""

import httpx
import pytest

from tests.service.asking import run

LAYER = "blocks.4.0.conv_pw"  # (480, 14, 14)
COARSE = {"saliency": {}, "guided_backprop": {}, "occlusion": {"window": 112, "stride": 112}}

# Target → what the summary says about it.
MEANS = {
    "top": {"kind": "class", "index": 967, "label": "espresso"},
    "class:285": {"kind": "class", "index": 285, "label": "Egyptian cat"},
    "class:egyptian CAT": {"kind": "class", "index": 285, "label": "Egyptian cat"},
    LAYER: {"kind": "layer", "layer": LAYER},
    f"{LAYER}:20": {"kind": "channel", "layer": LAYER, "channel": 20},
    f"{LAYER}:20@3,11": {"kind": "neuron", "layer": LAYER, "channel": 20, "position": [3, 11]},
    f"{LAYER}:20@center": {"kind": "neuron", "layer": LAYER, "channel": 20, "position": [7, 7]},
    "classifier:285": {"kind": "channel", "layer": "classifier", "channel": 285},
}


@pytest.mark.parametrize("technique", ["saliency", "occlusion"])
@pytest.mark.parametrize("target", MEANS)
def test_a_target_is_resolved(
    client: httpx.Client, stored: str, technique: str, target: str
) -> None:
    job = run(client, technique, stored, target=target, **COARSE[technique])
    summary = job["result"]["summary"]
    assert summary["target"] == {"text": target} | MEANS[target]
    assert job["params"]["target"] == target
    assert summary["maximum"] >= summary["minimum"]
    assert summary["predicted"]["label"] == "espresso"


@pytest.mark.parametrize("technique", COARSE)
def test_a_class_has_a_probability_and_another_neuron_an_activation(
    client: httpx.Client, stored: str, technique: str
) -> None:
    known = run(client, technique, stored, target="class:967", **COARSE[technique])["result"][
        "summary"
    ]
    assert known["score"] == ("probability" if technique == "occlusion" else "logit")
    assert 0.5 < known["probability"] <= 1
    unit = run(client, technique, stored, target=f"{LAYER}:20", **COARSE[technique])["result"][
        "summary"
    ]
    assert unit["score"] == "activation"
    assert "probability" not in unit


def test_the_label_and_the_number_of_a_class_are_one_neuron(
    client: httpx.Client, stored: str
) -> None:
    by_label, by_number = (
        run(client, "saliency", stored, target=target)["result"]
        for target in ("class:Egyptian cat", "class:285")
    )
    digests = [
        {a["name"]: a["sha256"] for a in result["artifacts"]} for result in (by_label, by_number)
    ]
    assert digests[0]["values.npy"] == digests[1]["values.npy"]


def test_the_worst_place_to_hide_lies_in_the_image(client: httpx.Client, stored: str) -> None:
    summary = run(client, "occlusion", stored, **COARSE["occlusion"])["result"]["summary"]
    left, top, right, bottom = summary["largest_fall_box"]
    assert 0 <= left < right <= 300
    assert 0 <= top < bottom <= 200
    assert summary["positions"] == 4
    assert summary["largest_fall"] == pytest.approx(
        summary["score_value"] - summary["largest_fall_score"], abs=1e-5
    )

"""The catalog of models, without weights; their layers, before any job has run."""

import httpx
import pytest

from catalog.models import models
from tests.service.asking import refused

DEFAULT = "efficientnet_lite0"
NEVER_RUN = "squeezenet1_1"


def test_there_are_81_models_the_default_first(client: httpx.Client) -> None:
    items = client.get("/v1/models").json()["items"]
    names = [item["name"] for item in items]
    assert len(names) == len(set(names)) == 81
    assert names[0] == DEFAULT
    assert names == list(models())
    assert all(client.get(item["urls"]["self"]).json() == item for item in items[:5])


def test_timms_are_listed_when_asked(client: httpx.Client) -> None:
    def names(**query: object) -> list[str]:
        return [item["name"] for item in client.get("/v1/models", params=query).json()["items"]]

    found = names(query="ResNet18")
    assert found[0] == "resnet18" and "timm:resnet18" in found
    assert all("resnet18" in name for name in found)
    assert len(names(query="timm:")) == 1000
    assert names(query="timm:", limit=2) == names(query="timm:")[:2]
    assert names(query="no such model") == []


def test_a_timm_model_by_its_name(client: httpx.Client) -> None:
    model = client.get("/v1/models/timm:test_resnet").json()
    assert (model["name"], model["input_size"], model["channels"]) == ("timm:test_resnet", 160, 3)
    assert client.get("/v1/models/timm%3Atest_resnet").json() == model
    layers = client.get(model["urls"]["layers"], params={"wait": 60}).json()["items"]
    assert layers[0]["channels"] == 16
    classes = client.get(model["urls"]["classes"], params={"query": "285"}).json()["items"]
    assert classes == [{"index": 285, "label": "Egyptian cat"}]
    refused(client.get("/v1/models/timm:resnet81"), 404, "unknown_model", "'timm:resnet18'")


@pytest.mark.parametrize("query", [{"query": "x" * 101}, {"limit": 0}, {"limit": 2001}])
def test_a_search_for_models_that_cannot_be(client: httpx.Client, query: dict) -> None:
    [name] = query
    refused(client.get("/v1/models", params=query), 422, "invalid_parameters", name)


def test_a_model_says_how_it_sees(client: httpx.Client, explained: dict) -> None:
    model = client.get(f"/v1/models/{DEFAULT}").json()
    assert (model["classes"], model["input_size"]) == (1000, 224)
    assert model["preprocessing"]["interpolation"] == "bicubic"
    assert model["preprocessing"]["mean"] == pytest.approx([127 / 255] * 3)
    assert model["weights"] == explained["provenance"]["weights"]
    assert set(model["urls"]) == {"self", "layers", "classes", "predict"}


def test_the_recommended_layers_exist(client: httpx.Client) -> None:
    recommended = client.get(f"/v1/models/{DEFAULT}").json()["recommended_layers"]
    layers = {layer["path"] for layer in client.get(f"/v1/models/{DEFAULT}/layers").json()["items"]}
    assert recommended
    assert set(recommended.values()) <= layers


def test_the_layers_of_the_default_model(client: httpx.Client) -> None:
    listing = client.get(f"/v1/models/{DEFAULT}/layers").json()
    layers = {layer["path"]: layer for layer in listing["items"]}
    assert len(layers) == len(listing["items"])
    stem = layers["conv_stem"]
    assert (stem["type"], stem["shape"], stem["channels"]) == ("Conv2dSame", [32, 112, 112], 32)
    assert stem["receptive_field"]["size"] == [3, 3]
    assert stem["receptive_field"]["stride"] == [2, 2]
    assert layers["blocks.4.0.conv_pw"]["shape"] == [480, 14, 14]
    assert layers["classifier"]["shape"] == [1000]
    assert all(layer["channels"] == layer["shape"][0] for layer in listing["items"])


def test_layers_are_listed_without_any_weights(client: httpx.Client) -> None:
    layers = {
        layer["path"]: layer
        for layer in client.get(f"/v1/models/{NEVER_RUN}/layers?wait=60").json()["items"]
    }
    assert layers["features.0"]["shape"] == [64, 111, 111]
    assert layers["features.0"]["receptive_field"] == {
        "size": [3, 3],
        "stride": [2, 2],
        "offset": [0, 0],
    }
    assert layers["features.12.expand3x3"]["channels"] == 256
    assert client.get(f"/v1/models/{NEVER_RUN}").json()["weights"] is None


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("Egyptian cat", [(285, "Egyptian cat")]),
        ("EGYPTIAN", [(285, "Egyptian cat")]),
        (" egyptian ", [(285, "Egyptian cat")]),
        ("285", [(285, "Egyptian cat")]),
        ("espresso", [(550, "espresso maker"), (967, "espresso")]),
        ("no such thing", []),
    ],
)
def test_classes_are_searched(
    client: httpx.Client, query: str, found: list[tuple[int, str]]
) -> None:
    answer = client.get(f"/v1/models/{DEFAULT}/classes", params={"query": query}).json()
    assert answer == {
        "model": DEFAULT,
        "items": [{"index": index, "label": label} for index, label in found],
    }


def test_all_classes_are_listed(client: httpx.Client) -> None:
    items = client.get(f"/v1/models/{DEFAULT}/classes").json()["items"]
    assert [item["index"] for item in items] == list(range(1000))
    assert (
        len(client.get(f"/v1/models/{DEFAULT}/classes", params={"limit": 3}).json()["items"]) == 3
    )


def test_predict_answers_with_labels(client: httpx.Client, chelsea: bytes) -> None:
    answer = client.post(
        f"/v1/models/{DEFAULT}/predict", files={"image": chelsea}, data={"top_k": "4"}
    )
    assert answer.status_code == 200
    predictions = answer.json()["result"]["summary"]["predictions"]
    assert len(predictions) == 4
    assert {item["label"] for item in predictions[:3]} == {"tabby", "tiger cat", "Egyptian cat"}
    chances = [item["probability"] for item in predictions]
    assert chances == sorted(chances, reverse=True)
    assert 0 < sum(chances) <= 1


def test_predict_takes_json_too(client: httpx.Client, stored: str) -> None:
    answer = client.post(f"/v1/models/{DEFAULT}/predict", json={"image": stored, "top_k": 1})
    assert (answer.status_code, answer.json()["technique"]) == (200, "predict")
    [first] = answer.json()["result"]["summary"]["predictions"]
    assert (first["index"], first["label"]) == (967, "espresso")


@pytest.mark.parametrize("rest", ["", "/layers", "/classes"])
def test_a_model_that_is_not_there(client: httpx.Client, rest: str) -> None:
    refused(
        client.get(f"/v1/models/resnet5{rest}"),
        404,
        "unknown_model",
        "'resnet50'",
        "GET /v1/models",
    )


def test_no_prediction_by_a_model_that_is_not_there(client: httpx.Client, small: bytes) -> None:
    refused(
        client.post("/v1/models/resnet5/predict", files={"image": small}),
        404,
        "unknown_model",
        "'resnet50'",
    )


@pytest.mark.parametrize(
    "query", [{"query": "x" * 101}, {"limit": 0}, {"limit": 2001}, {"limit": "all"}]
)
def test_a_search_that_cannot_be(client: httpx.Client, query: dict) -> None:
    [name] = query
    refused(
        client.get(f"/v1/models/{DEFAULT}/classes", params=query), 422, "invalid_parameters", name
    )

"""Random values within and beside the schemas of the parameters: never a server error."""

import json
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject, SearchStrategy

from catalog.registry import techniques

TARGETS = [
    "top",
    "class:0",
    "class:285",
    "class:999",
    "class:1000",
    "class:tench",
    "conv_stem",
    "conv_stem:3",
    "conv_stem:32",
    "conv_stem:1@0,0",
    "blocks.4.0.conv_pw:20@7,7",
    "blocks.4.0.conv_pw:20@14,0",
    "nothing:1",
]
MODELS = ["efficientnet_lite0", "resnet5"]
JSON = {"Content-Type": "application/json"}
LETTERS = st.text(max_size=12)
RUBBISH = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | LETTERS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(LETTERS, inner, max_size=3),
    max_leaves=4,
)


def fitting(name: str, schema: dict[str, Any]) -> SearchStrategy[Any]:
    """Return values that the schema allows, and some just outside."""
    if "anyOf" in schema:
        return st.one_of([fitting(name, option) for option in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    low, high = schema.get("minimum", -(2**40)), schema.get("maximum", 2**40)
    match schema["type"]:
        case "integer":
            return st.sampled_from([low, high, low - 1, high + 1]) | st.integers(
                low, min(high, low + 300)
            )
        case "number":
            return st.floats(low, high) | st.sampled_from([low - 1e-9, high * 1.1])
        case "string":
            known = {"target": TARGETS, "model": MODELS}.get(name, ["x"])
            return st.sampled_from(known) | LETTERS
        case _:
            return st.none()


def requests(technique: str) -> SearchStrategy[dict[str, Any]]:
    """Return some of the parameters, sometimes with an invalid value or an unknown name."""
    properties = techniques()[technique].params.model_json_schema()["properties"]
    known = st.fixed_dictionaries(
        {}, optional={name: fitting(name, schema) for name, schema in properties.items()}
    )
    one_wrong = st.dictionaries(st.sampled_from(sorted(properties)) | LETTERS, RUBBISH, max_size=1)
    return st.builds(lambda right, wrong: right | wrong, known, st.just({}) | one_wrong)


@pytest.mark.parametrize("technique", sorted(techniques()))
@settings(
    max_examples=15,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_the_server_accepts_or_refuses(
    client: httpx.Client, stored: str, technique: str, data: DataObject
) -> None:
    body = {"image": stored} | data.draw(requests(technique))
    answer = client.post(f"/v1/jobs/{technique}", content=json.dumps(body), headers=JSON)
    assert answer.status_code in (200, 202, 400, 422), answer.text
    if answer.status_code in (200, 202):
        client.post(answer.json()["urls"]["cancel"])
    else:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"]

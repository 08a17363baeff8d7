"""The OpenAPI document is committed, served, valid, and sufficient to generate a client."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from catalog.registry import techniques
from service.job_request import JobOptions
from service.openapi import document
from tests.service.openapi_shape import extends, required_by, shape, whole

COMMITTED = Path(__file__).parents[2] / "openapi" / "openapi.json"
SHAPE = Path(__file__).parents[1] / "fixtures" / "f98e178" / "openapi_shape.json"
DOCUMENT = json.loads(document())
METHODS = {"get", "put", "post", "delete", "head", "patch", "options", "trace"}


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in DOCUMENT["paths"].items():
        for method in item.keys() & METHODS:
            yield path, method, item[method]


def form_of_errors(path: str) -> str:
    """Return the media type of errors at a path."""
    inference = path.startswith("/v2") or path.endswith((":explain", ":predict"))
    return "application/json" if inference else "application/problem+json"


def references(node: Any) -> Iterator[str]:
    """Yield every `$ref` below a node."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from references(item)


def test_the_committed_document_is_fresh() -> None:
    assert COMMITTED.read_text() == document(), "stale: run `make openapi`"


def test_the_served_document_is_the_committed_one(client: httpx.Client) -> None:
    """But for the address in its example, which is that of the server."""
    served, committed = client.get("/openapi.json").json(), json.loads(COMMITTED.read_text())
    own, example = str(client.base_url).rstrip("/"), "http://127.0.0.1:8000"
    info = served["info"]
    assert own != example
    assert info["description"].count(own) == committed["info"]["description"].count(example) == 1
    info["description"] = info["description"].replace(own, example)
    assert served == committed


def test_the_document_has_all_that_that_of_f98e178_has() -> None:
    """A component may have another name, since only what is sent counts."""
    before, now = json.loads(SHAPE.read_text()), shape(DOCUMENT)
    before["paths"], now["paths"] = whole(before["paths"], before), whole(now["paths"], now)
    assert before["info"].pop("version") != now["info"].pop("version")
    assert now | {"paths": {}, "components": {}} == before | {"paths": {}, "components": {}}
    for path, operations in before["paths"].items():
        assert extends(now["paths"][path], operations), path
        for method, operation in operations.items():
            asked = now["paths"][path][method].get("requestBody")
            assert required_by(asked) <= required_by(operation.get("requestBody")), path
    schemes = "securitySchemes"
    assert extends(now["components"][schemes], before["components"][schemes])


def test_what_would_break_a_client_is_no_extension() -> None:
    field = {"type": "integer", "minimum": 1}
    before = {"properties": {"a": field}, "required": ["a"], "enum": ["x"]}
    assert extends(before | {"properties": {"a": field, "b": {}}, "enum": ["x", "y"]}, before)
    assert extends({"anyOf": [field, {"type": "null"}], "default": None}, field | {"default": 3})
    for broken in (
        before | {"properties": {}},
        before | {"properties": {"a": {"type": "string", "minimum": 1}}},
        before | {"properties": {"a": field | {"minimum": 2}}},
        before | {"enum": ["y"]},
        before | {"required": []},
        {"anyOf": [{"type": "string"}, {"type": "null"}]},
    ):
        assert not extends(broken, before if "anyOf" not in broken else field)
    texts = {"type": "object", "additionalProperties": {"type": "string"}}
    assert extends({"type": "object", "properties": {"a": {"type": "string"}}}, texts)
    assert not extends({"type": "object", "properties": {"a": {"type": "integer"}}}, texts)
    assert extends({"oneOf": [before, before | {"x": 1}]}, before)
    assert not extends({"oneOf": [before, {"properties": {}}]}, before)


def test_it_is_an_openapi_document() -> None:
    assert re.fullmatch(r"3\.1\.\d", DOCUMENT["openapi"])
    assert DOCUMENT["info"]["title"] and DOCUMENT["info"]["version"]
    assert all(path.startswith("/") for path in DOCUMENT["paths"])


def test_every_reference_leads_somewhere() -> None:
    for reference in set(references(DOCUMENT)):
        node: Any = DOCUMENT
        assert reference.startswith("#/")
        for name in reference[2:].split("/"):
            assert name in node, f"{reference} leads nowhere"
            node = node[name]


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z][a-z_0-9]*", name) for name in names)
    assert {f"create_{name}" for name in techniques()} <= set(names)


def test_every_operation_is_described_with_its_answers() -> None:
    for path, method, operation in operations():
        assert operation["summary"], (path, method)
        assert any(status.startswith("2") for status in operation["responses"])
        assert list(operation["responses"]["default"]["content"]) == [form_of_errors(path)]
        assert all(answer["description"] for answer in operation["responses"].values())


def test_every_operation_says_who_may_call_it() -> None:
    schemes = DOCUMENT["components"]["securitySchemes"]
    for path, _, operation in operations():
        keyed = path.startswith(("/v1/", "/v2")) and not path.startswith("/v2/health/")
        wanted = [{"HTTPBearer": []}, {"APIKeyHeader": []}] if keyed else None
        assert operation.get("security") == wanted
        assert keyed == ("401" in operation["responses"])
        for status in {"401", "403"} & operation["responses"].keys():
            answer = operation["responses"][status]
            assert list(answer["content"]) == [form_of_errors(path)]
        assert "403" in operation["responses"]
    assert schemes["HTTPBearer"]["scheme"] == "bearer"
    assert schemes["APIKeyHeader"]["name"] == "X-API-Key"


def test_answers_have_the_media_types_that_are_sent() -> None:
    paths = DOCUMENT["paths"]
    made = {spec.media_type for each in techniques().values() for spec in each.artifacts}
    assert {"image/png", "application/x-npy", "application/json"} <= made
    for path, media_types in (
        ("/v1/jobs/{job_id}/events", {"text/event-stream"}),
        ("/v1/jobs/{job_id}/preview", {"image/jpeg"}),
        ("/v1/jobs/{job_id}/artifacts/{name}", made | {"application/octet-stream"}),
        ("/metrics", {"text/plain"}),
    ):
        assert paths[path]["get"]["responses"]["200"]["content"].keys() == media_types


def test_every_part_of_a_path_is_a_parameter() -> None:
    for path, _, operation in operations():
        declared = [item for item in operation.get("parameters", []) if item["in"] == "path"]
        assert {item["name"] for item in declared} == set(re.findall(r"{(\w+)}", path))
        assert all(item["required"] for item in declared)


def test_schemas_bear_names_that_a_client_can_use() -> None:
    """They become the classes of a generated client."""
    for name in DOCUMENT["components"]["schemas"]:
        assert re.fullmatch(r"[A-Z][A-Za-z0-9]*", name), name


@pytest.mark.parametrize("name", sorted(techniques()))
def test_the_request_of_a_technique_has_its_parameters_and_images(name: str) -> None:
    content = DOCUMENT["paths"][f"/v1/jobs/{name}"]["post"]["requestBody"]["content"]
    technique = techniques()[name]
    images, options = {image.name for image in technique.inputs}, JobOptions.model_fields.keys()
    for kind in ("multipart/form-data", "application/json"):
        schema = whole(content[kind]["schema"], DOCUMENT)
        # A form sends each of the labels in a field of its own.
        label = {"label"} if kind == "multipart/form-data" else {"labels"}
        names = images | technique.params.model_fields.keys() | options - {"labels"} | label
        assert schema["properties"].keys() == names
        assert not options & (images | technique.params.model_fields.keys())
        required = {
            name for name, field in technique.params.model_fields.items() if field.is_required()
        }
        assert set(schema["required"]) == required | {
            image.name for image in technique.inputs if image.required
        }
        assert content[kind]["example"].keys() <= schema["properties"].keys()


@pytest.mark.parametrize("name", sorted(techniques()))
def test_the_json_example_is_accepted(client: httpx.Client, stored: str, name: str) -> None:
    content = DOCUMENT["paths"][f"/v1/jobs/{name}"]["post"]["requestBody"]["content"]
    images = {
        image.name: stored for image in techniques()[name].minimal_inputs if image.kind == "image"
    }
    example = content["application/json"]["example"]
    if "image_set" in example:
        example["image_set"] = client.post("/v1/image-sets", json={"ids": [stored]}).json()["id"]
    answer = client.post(f"/v1/jobs/{name}", json=example | images | {"cache": False})
    assert answer.status_code == 202, answer.text
    client.post(answer.json()["urls"]["cancel"])


def test_a_job_is_as_the_document_says(explained: dict) -> None:
    schemas = DOCUMENT["components"]["schemas"]
    assert explained.keys() == schemas["SaliencyJob"]["properties"].keys()
    assert explained["result"].keys() == schemas["SaliencyResult"]["properties"].keys()
    assert (
        explained["result"]["artifacts"][0].keys() == schemas["ArtifactView"]["properties"].keys()
    )


def test_a_problem_is_as_the_document_says(client: httpx.Client) -> None:
    schema = DOCUMENT["components"]["schemas"]["ProblemDocument"]
    assert client.get("/v1/jobs/x").json().keys() == schema["properties"].keys()

"""Every field of a job, a result and an error is described, in OpenAPI and in the summaries."""

from typing import Any

import pytest

from catalog.registry import techniques
from service.app import create_app

SCHEMAS = create_app().openapi()["components"]["schemas"]
DESCRIBED = [
    "ArtifactView", "ClassView", "FieldProblem", "FileOutcome", "ImagePage", "ImageSetChange",
    "ImageSetPage", "ImageSetView", "InputArray", "InputImage", "JobError", "JobPage", "JobUrls",
    "Layer", "LayerList", "ModelView", "Preprocessing", "PreviewView",
    "ProblemDocument", "Progress", "Readiness", "ReceptiveField", "StoredImageView",
    "TechniqueView", "Timing",
]  # fmt: skip


@pytest.mark.parametrize("name", DESCRIBED)
def test_every_field_is_described(name: str) -> None:
    assert undescribed(SCHEMAS[name], SCHEMAS) == []


@pytest.mark.parametrize("name", techniques())
def test_every_number_of_a_summary_is_described(name: str) -> None:
    summary = techniques()[name].summary.model_json_schema()
    definitions = summary.get("$defs", {})
    for schema in (summary, *definitions.values()):
        assert undescribed(schema, definitions) == []


def undescribed(schema: dict[str, Any], definitions: dict[str, Any]) -> list[str]:
    """Return the fields without a description of their own or of the object that they hold."""
    return [
        field
        for field, found in schema.get("properties", {}).items()
        if not found.get("description")
        and not definitions.get(found.get("$ref", "").rpartition("/")[2], {}).get("description")
    ]

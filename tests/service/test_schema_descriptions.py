"""Every field of a job, a result and an error is described in OpenAPI."""

import pytest

from service.app import create_app

SCHEMAS = create_app().openapi()["components"]["schemas"]
DESCRIBED = [
    "ArtifactView", "ClassView", "FieldProblem", "InputArray", "InputImage", "JobError", "JobPage",
    "JobUrls", "JobView", "Layer", "LayerList", "ModelView", "Preprocessing", "PreviewView",
    "ProblemDocument", "Progress", "Readiness", "ReceptiveField", "ResultView", "TechniqueView",
    "Timing",
]  # fmt: skip


@pytest.mark.parametrize("name", DESCRIBED)
def test_every_field_is_described(name: str) -> None:
    for field, schema in SCHEMAS[name]["properties"].items():
        reference = schema.get("$ref", "").rpartition("/")[2]
        assert schema.get("description") or SCHEMAS[reference].get("description"), field

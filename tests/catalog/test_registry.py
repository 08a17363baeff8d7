"""Techniques are found by listing the folder, and each describes itself completely."""

import json

import pytest

from catalog.errors import UnknownTechnique
from catalog.registry import find_technique, techniques

every_technique = pytest.mark.parametrize("name", techniques())


def test_they_are_named_after_their_modules_in_alphabetical_order() -> None:
    assert list(techniques()) == sorted(techniques())
    assert {"guided_backprop", "occlusion", "predict", "saliency"} <= set(techniques())
    assert all(technique.name == name for name, technique in techniques().items())


@every_technique
def test_a_technique_describes_itself(name: str) -> None:
    technique = find_technique(name)
    for text in (technique.title, technique.reference, technique.score, technique.description):
        assert text.strip()
    assert all(part.description for part in (*technique.inputs, *technique.artifacts))
    schema = json.loads(json.dumps(technique.params.model_json_schema()))
    assert [
        field for field, facts in schema["properties"].items() if "description" not in facts
    ] == []


@every_technique
def test_names_of_inputs_files_and_parameters_do_not_collide(name: str) -> None:
    technique = find_technique(name)
    files = [file.name for file in technique.artifacts]
    inputs = [image.name for image in technique.inputs]
    assert len(set(files)) == len(files)
    assert len({*inputs, *technique.params.model_fields}) == len(inputs) + len(
        technique.params.model_fields
    )


@every_technique
def test_a_file_that_is_not_always_left_names_the_parameter_that_asks_for_it(name: str) -> None:
    technique = find_technique(name)
    assert {file.only_with for file in technique.artifacts} <= {
        None,
        *technique.params.model_fields,
    }


@every_technique
def test_unknown_parameters_are_refused_and_seeds_are_optional(name: str) -> None:
    technique = find_technique(name)
    assert technique.params.model_validate(technique.example).seed is None
    with pytest.raises(ValueError, match="Extra inputs are not permitted"):
        technique.params.model_validate(technique.example | {"sede": 1})


def test_an_unknown_technique_is_refused_with_near_matches() -> None:
    with pytest.raises(
        UnknownTechnique, match=r"There is no technique 'oclusion'\. Did you mean 'occlusion'"
    ):
        find_technique("oclusion")

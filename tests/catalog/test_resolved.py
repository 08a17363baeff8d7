"""The parameters of a task: the fields that were sent, with the defaults of the model filled in."""

import pytest

from catalog.models import DEFAULT_MODEL, find_model
from catalog.registry import find_technique, techniques


@pytest.mark.parametrize("name", techniques())
def test_resolved_parameters_are_of_the_type_that_the_technique_names(name: str) -> None:
    technique = find_technique(name)
    sent = technique.params.model_validate(technique.example)
    assert type(sent.resolved(find_model(DEFAULT_MODEL))) is technique.resolved


@pytest.mark.parametrize("name", techniques())
def test_resolved_parameters_have_the_fields_of_the_sent_ones_in_their_order(name: str) -> None:
    technique = find_technique(name)
    assert list(technique.resolved.model_fields) == list(technique.params.model_fields)


@pytest.mark.parametrize("name", techniques())
def test_what_a_client_sends_is_kept_whatever_the_defaults_are(name: str) -> None:
    technique = find_technique(name)
    resolved = technique.params.model_validate(technique.example).resolved(
        find_model(DEFAULT_MODEL)
    )
    assert resolved.model_dump(include=set(technique.example)) == technique.example


def test_a_task_cannot_be_made_of_parameters_that_were_not_resolved() -> None:
    with pytest.raises(ValueError, match="3 validation errors"):
        find_technique("deep_dream").resolved.model_validate({"targets": "blocks.3"})

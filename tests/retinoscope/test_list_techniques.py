"""The lists of the command line say everything that a command needs."""

import pytest

from catalog.errors import UnknownTechnique
from catalog.registry import techniques
from retinoscope.list_techniques import describe_technique, list_techniques


def test_every_technique_has_a_line() -> None:
    lines = list(list_techniques())
    assert [line.split()[0] for line in lines] == list(techniques())
    assert all(
        technique.title in line
        for technique, line in zip(techniques().values(), lines, strict=True)
    )


@pytest.mark.parametrize("name", techniques())
def test_every_parameter_and_image_is_described(name: str) -> None:
    text, technique = "\n".join(describe_technique(name)), techniques()[name]
    for parameter in (*technique.params.model_fields, *(image.name for image in technique.inputs)):
        assert f"--{parameter}" in text


def test_defaults_are_shown() -> None:
    assert "[max_abs]" in "\n".join(describe_technique("saliency"))


def test_optional_inputs_are_marked() -> None:
    assert "\n".join(describe_technique("inversion")).count("(one of image, embedding)") == 2
    assert "(optional)" in "\n".join(describe_technique("fooling"))
    assert "(optional)" not in "\n".join(describe_technique("saliency"))


def test_an_unknown_one_is_refused_with_what_is_near() -> None:
    with pytest.raises(UnknownTechnique, match="saliency"):
        list(describe_technique("salience"))

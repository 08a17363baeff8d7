"""An unknown layer is pointed at where the request names it."""

import pytest

from catalog.errors import UnknownLayer
from catalog.models import Layer, ModelDescription
from catalog.named_targets import check_named
from catalog.registry import find_technique

LAYER = Layer(path="conv1", type="Conv2d", shape=[4, 8, 8], channels=4)
KNOWN = ModelDescription(model="net", weights=None, parameters=1, rectifiers=1, layers=[LAYER])


@pytest.mark.parametrize(
    ("technique", "fields", "pointer"),
    [
        (
            "style_transfer",
            {"content_layers": "conv1", "style_layers": "conv1, conv2"},
            "/style_layers",
        ),
        ("style_transfer", {"content_layers": "conv2", "style_layers": "conv1"}, "/content_layers"),
        ("inversion", {"layers": "conv1, conv2"}, "/layers"),
        ("inversion", {"layer": "conv2"}, "/layer"),
    ],
)
def test_the_pointer_is_the_parameter(technique: str, fields: dict[str, str], pointer: str) -> None:
    params = find_technique(technique).params.model_validate(fields)
    with pytest.raises(UnknownLayer) as refused:
        check_named(params, [], KNOWN)
    assert [violation.pointer for violation in refused.value.errors] == [pointer]

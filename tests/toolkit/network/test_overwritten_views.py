"""Overwriting a view overwrites the tensor behind it.

The graph must know every kind of view, or refuse the model.
"""

from contextlib import suppress

import pytest
from torch import Tensor

from tests.toolkit.networks import Sandwich, assert_same, sandwich
from workers.toolkit.errors import NotExportable

# Every way of torch to view a map (B, 8, 32, 32) that never makes a copy.
VIEWS = {
    "permute": lambda x: x.permute(0, 2, 3, 1),
    "movedim": lambda x: x.movedim(1, 3),
    "swapaxes": lambda x: x.swapaxes(1, 3),
    "swapdims": lambda x: x.swapdims(1, 3),
    "mT": lambda x: x.mT,
    "T": lambda x: x[0, 0].T,
    "adjoint": lambda x: x.adjoint(),
    "view_as": lambda x: x.view_as(x + 1),
    "expand_as": lambda x: x.expand_as(x + 1),
    "unflatten": lambda x: x.unflatten(1, (2, 4)),
    "diagonal": lambda x: x.diagonal(0, 2, 3),
    "unfold": lambda x: x.unfold(2, 4, 4),
    "narrow": lambda x: x.narrow(2, 3, 9),
    "select": lambda x: x[:, 3],
    "squeeze": lambda x: x.unsqueeze(2).squeeze(2),
    "split": lambda x: x.split(3, 1)[1],
    "tensor_split": lambda x: x.tensor_split(2, 1)[0],
    "hsplit": lambda x: x.hsplit(2)[1],
    "unbind": lambda x: x.unbind(1)[2],
    "detach": lambda x: x.detach(),
    "float": lambda x: x.float(),
    "type_as": lambda x: x.type_as(x + 1),
}


@pytest.mark.parametrize("view", VIEWS)
def test_overwriting_a_view_changes_what_it_views_or_is_refused(view: str) -> None:
    def middle(net: Sandwich, x: Tensor) -> Tensor:
        VIEWS[view](x).relu_()
        return net.second(x) + x

    with suppress(NotExportable):
        assert_same(sandwich(middle))

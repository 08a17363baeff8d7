"""Padding is removed exactly, and the centre lies in the middle."""

import pytest
import torch

from workers.toolkit.images.picture import centre, crop_padding, pad_by_reflection


@pytest.mark.parametrize("width", [0, 1, 7])
def test_padding_mirrors_and_is_removed(width: int) -> None:
    picture = torch.rand(2, 3, 9, 8)
    wide = pad_by_reflection(picture, width)
    assert wide.shape == (2, 3, 9 + 2 * width, 8 + 2 * width)
    assert torch.equal(crop_padding(wide, width), picture)
    for beyond in range(1, width + 1):
        assert torch.equal(wide[..., width - beyond, width : width + 8], picture[..., beyond, :])


def test_the_centre_lies_in_the_middle() -> None:
    picture = torch.arange(35).view(1, 1, 5, 7)
    assert torch.equal(centre(picture, 3, 5), picture[..., 1:4, 1:6])

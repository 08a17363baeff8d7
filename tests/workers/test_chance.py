"""A model is not refused for outputs that lie in 0 to 1 by chance."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tests.workers.odd_networks import CLASSES, entry_of
from workers.models.check_output import check_output
from workers.models.errors import WrongOutput


class Contrast(nn.Module):
    """Compares two channels, whose mean is the same in the first images of noise."""

    def forward(self, x: Tensor) -> Tensor:
        red, green, _ = x.mean((2, 3)).split(1, 1)
        return (0.5 + 0.1 * (red - green)).expand(-1, CLASSES)


def test_logits_of_a_few_images_may_lie_in_0_to_1(tmp_path: Path) -> None:
    entry = entry_of(tmp_path, "Net")
    first = torch.rand((2, *entry.input_shape), generator=torch.Generator().manual_seed(0))
    first[1] = 4 * first[1] - 2
    few = Contrast()(torch.cat([first, 30 * (first - 0.5)]))
    assert few.min() > 0 and few.max() < 1
    check_output(entry, Contrast())


def test_the_probabilities_of_many_images_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongOutput, match=r'Write head = "none" if they are'):
        check_output(entry_of(tmp_path, "Net"), nn.Sequential(Contrast(), nn.Sigmoid()))

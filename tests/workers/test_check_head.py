"""Outputs of which the head would make probabilities twice are noticed on noise."""

import pytest
import torch

from workers.models.check_head import find_head_fault

LOGITS = 40 * torch.randn(6, 5, generator=torch.Generator().manual_seed(0))
DENSE = LOGITS[:, :, None, None].expand(6, 5, 3, 3)


@pytest.mark.parametrize("given", [True, False])
@pytest.mark.parametrize(
    ("output", "head"),
    [
        (LOGITS, "softmax"), (LOGITS, "sigmoid"), (LOGITS, "raw"), (DENSE, "softmax"),
        (LOGITS.softmax(1), "none"), (LOGITS.sigmoid(), "none"), (DENSE.softmax(1), "none"),
        (LOGITS.softmax(1), "raw"), (100 * LOGITS.softmax(1), "raw"), (LOGITS.abs(), "softmax"),
        (LOGITS - LOGITS.mean(1, keepdim=True), "softmax"), (LOGITS.log_softmax(1), "softmax"),
    ],
)  # fmt: skip
def test_an_output_that_fits_is_accepted(output: torch.Tensor, head: str, given: bool) -> None:
    assert find_head_fault(output, head, given=given) is None


@pytest.mark.parametrize(
    "output", [LOGITS.softmax(1), DENSE.softmax(1), LOGITS.double().softmax(1)]
)
def test_a_softmax_inside_is_noticed_whatever_the_entry_says(output: torch.Tensor) -> None:
    for given in (True, False):
        fault = find_head_fault(output, "softmax", given=given)
        assert fault is not None and 'Write head = "none"' in fault


@pytest.mark.parametrize("head", ["softmax", "sigmoid"])
@pytest.mark.parametrize("scale", [100, 0.5])
@pytest.mark.parametrize("probabilities", [LOGITS.softmax(1), DENSE.softmax(1)])
def test_percentages_are_noticed(probabilities: torch.Tensor, scale: float, head: str) -> None:
    for given in (True, False):
        fault = find_head_fault(scale * probabilities, head, given=given)
        assert fault is not None and f"add up to {scale:g}" in fault and 'head = "none"' in fault


@pytest.mark.parametrize("head", ["softmax", "sigmoid"])
def test_a_sigmoid_inside_is_noticed_unless_the_entry_says_what_it_is(head: str) -> None:
    fault = find_head_fault(LOGITS.sigmoid(), head, given=False)
    assert fault is not None and f'head = "none" if they are, or head = "{head}"' in fault
    assert find_head_fault(LOGITS.sigmoid(), head, given=True) is None


@pytest.mark.parametrize("head", ["softmax", "sigmoid"])
def test_outputs_that_are_the_same_for_all_images_show_nothing(head: str) -> None:
    assert find_head_fault(torch.full((4, 5), 0.5), head, given=False) is None


def test_logits_are_no_probabilities() -> None:
    fault = find_head_fault(LOGITS, "none", given=True)
    assert fault is not None and "are no probabilities" in fault

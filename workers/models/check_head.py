"""Notice an output of which the head of the model's entry would make probabilities twice."""

from torch import Tensor

# The float32 sum of a thousand probabilities differs from 1 by far less.
_SUM_TOLERANCE = 1e-4
_ROUNDING = 1e-6


def find_head_fault(output: Tensor, head: str, *, given: bool) -> str | None:
    """Return why an output is not what the head needs and what to write, or None.

    The output is (B, classes) or (B, classes, H, W), of images of noise of very different ranges.
    `head` is `softmax`, `sigmoid`, `none` or `raw`, and `given` says whether the entry names it:
    logits may lie in 0 to 1 by chance, which only who trained the model can tell. A model whose
    outputs are the same for all images, such as one whose last layer still is zero, shows nothing.
    """
    low, high = (float(value) for value in output.aminmax())
    inside = low >= -_ROUNDING and high <= 1 + _ROUNDING
    if head == "softmax" and inside and _sums_to_one(output):
        return (
            "The outputs are probabilities already: they lie in 0 to 1 and add up to 1. "
            'Write head = "none", or remove the softmax from the model.'
        )
    if head in ("softmax", "sigmoid") and low >= -_ROUNDING and (total := _common_sum(output)):
        return (
            f"The outputs are probabilities times {total:.4g}: none is below 0, and they add up to "
            f"{total:.4g} for every image of noise. Return them divided by {total:.4g} and write "
            'head = "none", or remove the softmax from the model.'
        )
    if head in ("softmax", "sigmoid") and inside and not given and _varies(output):
        return (
            "The outputs lie in 0 to 1 for every image of noise, as probabilities do. "
            f'Write head = "none" if they are, or head = "{head}" if they are logits.'
        )
    if head == "none" and not inside:
        return (
            f"The outputs are no probabilities: they go from {low:.4g} to {high:.4g}. "
            'Write head = "softmax", "sigmoid" or "raw".'
        )
    return None


def _varies(output: Tensor) -> bool:
    return bool(((output.amax(0) - output.amin(0)) > _ROUNDING).any())


def _common_sum(output: Tensor) -> float | None:
    """Return the sum of the classes if it is the same for all images, and not 1."""
    sums = output.double().sum(1)
    total = float(sums.mean())
    alike = bool(((sums - total).abs() <= _SUM_TOLERANCE * total).all())
    return total if alike and abs(total - 1) > _SUM_TOLERANCE and _varies(output) else None


def _sums_to_one(output: Tensor) -> bool:
    return bool(((output.sum(1) - 1).abs() < _SUM_TOLERANCE).all())

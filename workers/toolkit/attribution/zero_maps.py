"""Why a map is zero everywhere. Such a map is a failure: it says nothing of the image."""

from workers.toolkit.attribution.explained_input import ExplainedInput


def no_gradient(explained: ExplainedInput) -> str:
    """Say that the target's gradient by the image is zero."""
    zero = f"The gradient of {explained.target.text!r} by the image is zero everywhere. "
    if not explained.unit.is_class and explained.score().value == 0:
        return zero + _silent(explained)
    return zero + (
        "The target does not change with small changes of this image: another target may, or use "
        "occlusion or rise, which need no gradient."
    )


def unchanged_score(explained: ExplainedInput, what: str) -> str:
    """Say that no change of the image changes the score; `what` names the changes."""
    same = f"The score of {explained.target.text!r} is the same whatever {what}. "
    if not explained.unit.is_class:
        silent = explained.score().value == 0
        return same + (_silent(explained) if silent else "Name another target.")
    return same + (
        "Send score=logit if the probability is too near 0 or 1 to change, or name another target."
    )


def _silent(explained: ExplainedInput) -> str:
    return (
        f"The activation of {explained.unit.path!r} is 0 for this image, as that of a unit whose "
        "ReLU is off. Name another unit, or a layer before the ReLU."
    )

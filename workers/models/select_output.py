"""The choice of one output of a model that returns several, as its entry names it."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from workers.models.errors import WrongOutput

Step = str | int
_SHOWN = 8


@dataclass(frozen=True)
class OutputSelector:
    """A forward hook that replaces a module's output by one of its parts.

    It is a hook, not a wrapper, so that the paths of the layers and the names of the weights stay
    as they are.
    """

    steps: tuple[Step, ...]

    def __call__(self, _module: nn.Module, _args: Any, output: Any) -> Any:
        """Return the part of the output. Raises WrongOutput."""
        for depth, step in enumerate(self.steps):
            output = _part(output, step, self.steps[:depth])
        return output


def select_output(module: nn.Module, steps: tuple[Step, ...]) -> nn.Module:
    """Make the module return the part of its output to which keys and indices lead.

    Without steps the module stays as it is. Later calls raise WrongOutput if there is no such part.
    """
    if steps:
        module.register_forward_hook(OutputSelector(steps))
    return module


def describe_output(output: Any) -> str:
    """Return what a model returns, in words: `a dict of 'out' (tensor 2 × 21 × 64 × 64), …`."""
    if isinstance(output, Tensor):
        return f"a tensor of shape {' × '.join(map(str, output.shape))}"
    parts = _parts(output)
    if parts is None:
        return f"a {type(output).__name__}"
    named = [f"{key!r} ({describe_output(value)})" for key, value in list(parts.items())[:_SHOWN]]
    more = f" and {len(parts) - _SHOWN} more" if len(parts) > _SHOWN else ""
    return f"a {type(output).__name__} of {', '.join(named)}{more}"


def propose_output(output: Any, classes: int, axes: int) -> str:
    """Return what to write in the entry to choose a tensor of that many classes and axes.

    If there is none, propose the first tensor; the text is empty if there is no tensor.
    """
    found = list(_tensors(output, ()))
    fitting = [steps for steps, part in found if (part.ndim, *part.shape[1:2]) == (axes, classes)]
    chosen = (*fitting, *(steps for steps, _ in found))
    if not chosen:
        return ""
    texts = [f'"{step}"' if isinstance(step, str) else str(step) for step in chosen[0]]
    return f"output = {texts[0]}" if len(texts) == 1 else f"output = [{', '.join(texts)}]"


def _tensors(output: Any, steps: tuple[Step, ...]) -> Iterator[tuple[tuple[Step, ...], Tensor]]:
    if isinstance(output, Tensor):
        yield steps, output
        return
    for step, part in (_parts(output) or {}).items():
        yield from _tensors(part, (*steps, step))


def _part(output: Any, step: Step, before: tuple[Step, ...]) -> Any:
    parts = _parts(output)
    if isinstance(step, int) and isinstance(output, Sequence) and -len(output) <= step < 0:
        step += len(output)
    if isinstance(output, tuple) and isinstance(step, int) and 0 <= step < len(output):
        return output[step]
    if parts is None or step not in parts:
        where = f" at {list(before)}" if before else ""
        raise WrongOutput(
            f"output: there is no {step!r}{where}. The model returns {describe_output(output)}."
        )
    return parts[step]


def _parts(output: Any) -> dict[Step, Any] | None:
    """Return the parts by their keys, indices or names; None if the output has no parts."""
    if isinstance(output, Mapping):
        return dict(output)
    if isinstance(output, tuple) and hasattr(output, "_fields"):
        return dict(zip(output._fields, output, strict=True))
    if isinstance(output, list | tuple):
        return dict(enumerate(output))
    if dataclasses.is_dataclass(output) and not isinstance(output, type):
        return {field.name: getattr(output, field.name) for field in dataclasses.fields(output)}
    return None

"""Which operators of a module draw random numbers, although it is in evaluation mode."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode


@torch.no_grad()
def random_operators(module: nn.Module, x: Tensor) -> list[str]:
    """Run the module once and return the names of the operators that draw random numbers."""
    with _Recorder() as recorder:
        module(x)
    return list(dict.fromkeys(recorder.names))


class _Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.names: list[str] = []

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        if torch.Tag.nondeterministic_seeded in function.tags:
            self.names.append(str(function._opname).strip("_"))
        return function(*args, **(kwargs or {}))

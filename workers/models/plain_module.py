"""Make a plain float32 module of what a builder returns, without torch.compile or TorchScript."""

import torch
from torch import Tensor, nn

from workers.models.errors import BuilderFailed

_COMPILED = "_orig_mod."


def plain_names(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors under the names that they have without torch.compile."""
    return {name.replace(_COMPILED, ""): tensor for name, tensor in state.items()}


def plain_module(name: str, module: nn.Module) -> nn.Module:
    """Return a module of that model as its own code is, in float32.

    Compiled code computes the same, but takes minutes to compile for each way of the tests.
    Raises BuilderFailed for TorchScript, whose operators have no source that can be traced.
    """
    for path, part in module.named_modules():
        if isinstance(part, torch.jit.ScriptModule):
            where = f", at {path.replace(_COMPILED, '')!r}," if path else ""
            raise BuilderFailed(
                f"{name!r} is{where} a TorchScript module, which cannot be traced. Build the "
                "nn.Module that it was made from, and load the weights from a state dict of it."
            )
    # Functions that the code has compiled run as they are, too.
    torch.compiler.set_stance("force_eager")
    return _in_single(_without_compile(module).float())


def _without_compile(module: nn.Module) -> nn.Module:
    compiled = module._modules.get("_orig_mod")
    if compiled is not None:
        return _without_compile(compiled)
    module._compiled_call_impl = None
    for name, child in module._modules.items():
        if child is not None:
            module._modules[name] = _without_compile(child)
    return module


def _in_single(module: nn.Module) -> nn.Module:
    """Convert tensors that are plain attributes, such as a mean, as float() does all others."""
    for part in module.modules():
        for name, value in list(vars(part).items()):
            if isinstance(value, Tensor) and value.is_floating_point():
                setattr(part, name, value.float())
    return module

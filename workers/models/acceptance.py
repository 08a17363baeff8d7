"""The acceptance test: a model is used only as far as it is right, and its jobs say how.

The module, as its own code computes it, is the measure. The network that serves jobs is exported
from it, its batch norms are folded, and its memory is arranged for speed. An optimization that
changes outputs or gradients is left out for this model, a layer that differs from what its module
returns is not listed, and a model whose plain graph differs is refused.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, fx, nn

from workers.models.check_state import check_graph_state
from workers.models.compare_layers import find_wrong_layers
from workers.models.compare_network import (
    EXACT,
    ROUNDED,
    SINGLE,
    Limits,
    find_difference,
    single_limits,
)
from workers.models.double_precision import double_precision, holds_constants, in_double
from workers.models.errors import first_line
from workers.models.reference import Reference, compute_reference
from workers.toolkit.errors import NotExportable
from workers.toolkit.execution.batches import batch_size
from workers.toolkit.execution.device_memory import is_out_of_memory
from workers.toolkit.network.multiplications import multiplications
from workers.toolkit.network.network import LOGITS, Network
from workers.toolkit.network.optimizations import ALL, NONE, Optimizations
from workers.toolkit.network.precision import probe_inputs, without_tf32

log = logging.getLogger(__name__)

_CHOICES = (
    ALL,
    replace(ALL, single_images=False),
    replace(ALL, channels_last=False),
    replace(ALL, folded_batch_norm=False),
    NONE,
)
# Multiplications of one image, up to which double precision also runs a batch of three: a ResNet-50
# has 4.1e9. Single precision always does.
_DOUBLE_BATCH = 5e9
# What folding and another order of sums may change in a layer, relative to its largest output.
_PREPARED = 1e-3


@dataclass(frozen=True)
class Verdict:
    """How a model may be used: its optimizations, and which layers are not listed, and why."""

    optimizations: Optimizations = ALL
    unlisted: dict[str, str] = field(default_factory=dict)


def accept(
    name: str, module: nn.Module, shape: tuple[int, int, int], known: Verdict | None = None
) -> tuple[Network, Verdict]:
    """Return the network of a module, prepared as far as that leaves its results as they are.

    The module is on its device, `shape` is that of an image, (C, H, W). The test takes seconds, in
    which nothing else may compute; with the verdict of an earlier one it is not repeated. Raises
    NotExportable, or WrongOutput if single precision is too coarse for the model.
    """
    graph = _export(module, shape)
    if known is not None:
        network = Network(module, *shape, graph=graph, optimizations=known.optimizations)
        verdict = known
    else:
        with without_tf32():
            examination = _Examination(name, module, graph, shape)
            unlisted = examination.wrong_layers()
            network = examination.choose()
            examination.check_state(network)
            unlisted = examination.wrong_prepared_layers(network) | unlisted
        verdict = Verdict(network.optimizations, unlisted)
    for path, reason in verdict.unlisted.items():
        if path in network.layers:
            log.warning("%s: the layer %s is not listed: %s", name, path, reason)
            network.unlist(path, reason)
    return network, verdict


def _export(module: nn.Module, shape: tuple[int, int, int]) -> fx.GraphModule:
    """Return the module's graph. Raises NotExportable.

    Code that views a map as a vector may run in one memory format only.
    """
    try:
        return Network(module, *shape).whole
    except NotExportable:
        return Network(module, *shape, optimizations=NONE).whole


class _Examination:
    """One module, its graph, and what the module computes in single and in double precision.

    Raises WrongOutput if the two differ too much.
    """

    def __init__(
        self, name: str, module: nn.Module, graph: fx.GraphModule, shape: tuple[int, int, int]
    ) -> None:
        self._name, self._module, self._graph, self._shape = name, module, graph, shape
        self._double_graph = in_double(graph)
        NONE.arrange_parameters(module)
        probes = probe_inputs(shape).to(next(module.parameters()))
        other, x = probes[:1], probes[1:]
        self._single = [compute_reference(module, image) for image in (x, other)]
        self._exact = self._double_references([x, other])
        self._limits = ROUNDED if holds_constants(graph) else EXACT
        self._single_limits = single_limits(name, self._single, self._exact or self._single)

    def wrong_layers(self) -> dict[str, str]:
        """Return the layers that differ from what their modules return, with the reason."""
        if self._exact is None:
            network = self._network(self._graph, NONE)
            return find_wrong_layers(self._module, network, self._single[0].x, SINGLE.output)
        with self._doubled():
            network = self._network(self._double_graph, NONE)
            return find_wrong_layers(self._module, network, self._exact[0].x, self._limits.output)

    def wrong_prepared_layers(self, network: Network) -> dict[str, str]:
        """Return the layers that differ once batch norms are folded and memory is arranged."""
        again = self._network(self._graph, network.optimizations)
        again.folding = network.folding  # its folded weights and parts are not kept
        return find_wrong_layers(self._module, again, self._single[0].x, _PREPARED)

    def check_state(self, network: Network) -> None:
        """Raise WrongOutput if the network's output reads a buffer that each call changes."""
        read = network.operators(LOGITS)
        check_graph_state(self._name, self._module, read, self._single[0].x)

    def choose(self) -> Network:
        """Return the first network that gives what the module gives. Raises NotExportable."""
        for optimizations in _CHOICES:
            network = self._network(self._graph, optimizations)
            difference = self._difference(network)
            if difference is None:
                return network
            log.warning("%s with %s: %s", self._name, optimizations, difference)
        raise NotExportable(
            f"{self._name!r} cannot be exported as it is: {difference}. Rewrite what depends on "
            "values or on earlier calls, and any torch.autograd.Function whose backward pass is "
            "not its derivative."
        )

    def _difference(self, network: Network) -> str | None:
        try:
            return self._difference_in_double(network) or self._difference_in_single(network)
        except Exception as error:  # such as a view that needs another memory format
            if is_out_of_memory(error):
                raise
            return first_line(error)

    def _difference_in_single(self, network: Network) -> str | None:
        network.optimizations.arrange_parameters(self._module)
        return self._compare(network, self._exact or self._single, self._single_limits, (1, 3))

    def _difference_in_double(self, network: Network) -> str | None:
        if self._exact is None:
            return None
        folding = network.folding  # measured in single precision
        with self._doubled():
            doubled = self._network(self._double_graph, network.optimizations)
            doubled.folding = folding
            return self._compare(doubled, self._exact, self._limits, self._double_batches(doubled))

    def _double_batches(self, network: Network) -> tuple[int, ...]:
        affordable = multiplications(network) <= _DOUBLE_BATCH
        # Sizes are those of single precision.
        fits = batch_size(network, LOGITS, gradient=True) >= 8
        return (1, 3) if affordable and fits else (1,)

    def _compare(
        self,
        network: Network,
        references: Sequence[Reference],
        limits: Limits,
        batches: tuple[int, ...],
    ) -> str | None:
        x, other = references
        found = (find_difference(network, [x, other, x][:batch], limits) for batch in batches)
        return next(filter(None, found), None)

    def _network(self, graph: fx.GraphModule, optimizations: Optimizations) -> Network:
        return Network(self._module, *self._shape, graph=graph, optimizations=optimizations)

    def _double_references(self, images: Sequence[Tensor]) -> list[Reference] | None:
        """Return the module's references in double precision.

        Return None if its code mixes precisions, or refuses double precision with any error of its
        own, or if its graph does.
        """
        with self._doubled():
            try:
                found = [compute_reference(self._module, image.double()) for image in images]
                with torch.no_grad():
                    self._network(self._double_graph, NONE).logits(found[0].x)
            except Exception as error:
                if is_out_of_memory(error):
                    raise
                log.info("the module does not run in double precision", exc_info=True)
                return None
            return found

    @contextmanager
    def _doubled(self) -> Iterator[None]:
        with double_precision(self._module, self._graph, self._double_graph):
            yield

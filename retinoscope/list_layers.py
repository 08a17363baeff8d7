"""`retinoscope models layers`: the layers of a model that can be targets."""

from collections.abc import Iterator

from catalog.model_entry import ModelEntry
from retinoscope.errors import StackError
from workers.failures import job_error
from workers.models.describe import describe_architecture


def layer_lines(entry: ModelEntry) -> Iterator[str]:
    """Yield a line for each layer. No weights are loaded. Raises StackError."""
    try:
        description = describe_architecture(entry)
    except Exception as error:
        raise StackError(job_error(error).detail) from error
    longest = max((len(layer.path) for layer in description.layers), default=0)
    for layer in description.layers:
        shape = " × ".join(map(str, layer.shape))
        yield f"{layer.path:{longest}}  {layer.type}  {shape}"

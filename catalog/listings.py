"""Sentences that say where a client finds what exists: over HTTP, and on the command line.

Errors hold the sentence for HTTP. The command line replaces it by its own
(retinoscope/wording.py).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Listing:
    """One list in two sentences. `{model}` stands for the name of a model."""

    http: str
    command: str

    def of(self, model: str) -> str:
        """Return the sentence for HTTP about the lists of this model."""
        return self.http.format(model=model)


CLASSES = Listing(
    "GET /v1/models/{model}/classes?query= searches the classes.",
    "`retinoscope models classes {model} TEXT` searches the classes.",
)
LAYERS = Listing(
    "GET /v1/models/{model}/layers lists the layers.",
    "`retinoscope models layers {model}` lists the layers.",
)
TECHNIQUES = Listing(
    "GET /v1/techniques lists them.",
    "`retinoscope techniques` lists them.",
)
MODELS = Listing(
    "GET /v1/models lists the models; ?query= also searches timm's.",
    "`retinoscope models list` lists the models; with a TEXT it also searches timm's.",
)
TIMM_MODELS = Listing(
    "GET /v1/models?query=timm: lists timm's models that classify images.",
    "`retinoscope models list timm:` lists timm's models that classify images.",
)
LISTINGS = (CLASSES, LAYERS, TECHNIQUES, MODELS, TIMM_MODELS)

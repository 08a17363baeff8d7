"""Which techniques run over the images of a set as a batch, and which files are kept of each."""

from collections.abc import Sequence

from catalog.errors import InvalidParameters, UnsupportedModel, Violation, near_matches
from catalog.model_entry import ModelEntry
from catalog.technique import Params, Technique


class UnsupportedTechnique(InvalidParameters):
    """The technique does not run in batches."""

    code = "unsupported_technique"


def check_batchable(technique: Technique) -> None:
    """Refuse a technique that does not explain one photograph in seconds.

    Raises UnsupportedTechnique.
    """
    reason = _reason_against(technique)
    if reason:
        message = f"{technique.title} does not run in batches: {reason}. Create a job for each."
        raise UnsupportedTechnique(message, [Violation("/technique", message)])


def check_photographs(model: ModelEntry) -> None:
    """Refuse a model that does not see photographs, which sets consist of.

    Raises UnsupportedModel.
    """
    if not model.preprocessing.takes_photographs:
        raise UnsupportedModel(
            f"Image sets hold photographs, and model {model.name!r} sees "
            f"{model.preprocessing.channels} channels. Send arrays of them as single jobs.",
        )


def check_outputs(technique: Technique, params: Params, outputs: Sequence[str] | None) -> None:
    """Refuse names of files that a job with these parameters does not leave.

    Raises InvalidParameters.
    """
    left = [spec.name for spec in technique.artifacts if spec.is_asked_for(params)]
    for name in outputs or ():
        if name not in left:
            message = f"{_reason_it_is_missing(technique, name)} Its files: {', '.join(left)}."
            raise InvalidParameters(message, [Violation("/outputs", message)])


def _reason_it_is_missing(technique: Technique, name: str) -> str:
    known = {spec.name: spec for spec in technique.artifacts}
    if name not in known:
        return f"{technique.title} leaves no file {name[:80]!r}.{near_matches(name, known)}"
    spec = known[name]
    value = f"={spec.only_for}" if spec.only_for else ""
    return f"{technique.title} leaves {name} only with the parameter {spec.only_with}{value}."


def _reason_against(technique: Technique) -> str | None:
    if technique.reads_image_set:
        return "it looks at a whole image set itself"
    if [spec.name for spec in technique.inputs if spec.required] != ["image"]:
        return "it does not take one image"
    if technique.queue == "slow":
        return "it optimizes an image for minutes"
    return None

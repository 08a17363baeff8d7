"""Nothing: a job that computes nothing, so that all of its time is the service's own."""

from catalog.technique import Params, Summary, Technique


class NothingParams(Params):
    """The parameters of every technique."""


class NothingSummary(Summary):
    """No numbers."""


TECHNIQUE = Technique(
    title="Nothing", reference="-", score="-", params=NothingParams, summary=NothingSummary
)

"""RISE: random masks, averaged by the score of what they leave to see (Petsiuk et al. 2018)."""

from torch import Tensor

from catalog.techniques.rise import RiseParams, RiseSummary
from workers.task import Task
from workers.toolkit.attribution.attribution import Attribution, Progress
from workers.toolkit.attribution.explained_input import explain_input
from workers.toolkit.attribution.rise import Masks, rise
from workers.toolkit.execution.context import Context
from workers.toolkit.images.baselines import baseline_image
from workers.toolkit.network.network import Network


def run(task: Task[RiseParams], context: Context) -> RiseSummary:
    params, model = task.params, task.model
    explained = explain_input(model, task.image(), task.target)
    x, probability = explained.model_input.x, params.score == "probability"
    fill = baseline_image(
        params.fill,
        x,
        model.preprocessing.mean,
        model.preprocessing.std,
        min(x.shape[2:]) / params.grid / 2,
    )
    masks = Masks(params.grid, params.probability)

    def explain(_network: Network, progress: Progress) -> Tensor:
        score = attribution.record.scores(explained.scorer(probability=probability))
        return rise(score, x, fill, masks, params.masks, task.seed, progress)  # (H, W)

    attribution = Attribution(
        explained, context, explain, lambda values: values, params, task.seed, gradient=False
    )
    values = attribution.marks
    told = attribution.leave(values, probability=probability)
    row, column = divmod(int(values.argmax()), values.shape[1])
    left, top, right, bottom = explained.model_input.to_image((column, row, column + 1, row + 1))
    return RiseSummary(
        **told,
        masks=params.masks,
        peak=[round((left + right) / 2, 2), round((top + bottom) / 2, 2)],
        units=f"mean {told['score']} of the images that show the pixel",
    )

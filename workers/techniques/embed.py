"""Embed: the output of one layer for an image."""

from catalog.techniques.embed import EmbedParams, EmbedSummary
from workers.task import Task
from workers.toolkit.execution.context import Context, save_npy
from workers.toolkit.optimization.embedding import embedding, last_embedding_layer


def run(task: Task[EmbedParams], context: Context) -> EmbedSummary:
    """Compute the embedding of the image and save it as embedding.npy. Raises NotFinite."""
    params, model = task.params, task.model
    context.progress(0, 1)
    path = params.layer or model.recommended.get("inversion") or last_embedding_layer(model.network)
    values = embedding(model, task.seen(), path)[0]  # (C,) or (C, H, W)
    save_npy(context, "embedding.npy", values.cpu().numpy())
    context.progress(1, 1)
    return EmbedSummary(
        layer=path,
        shape=list(values.shape),
        norm=float(values.norm()),
        mean=float(values.mean()),
        zeros=float((values == 0).float().mean()),
    )

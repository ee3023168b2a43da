"""The unit of what a recipe minimises."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.recipes.recipe import Recipe

# Mean −log p of something; of the rest some are distances, some weighted or bounded.
IN_NATS = {"cross_entropy", "nll", "forward", "cosine_softmax", "scl_nl", "small_loss"}


def in_nats(recipe: Recipe) -> bool:
    """Whether the training loss is in nats in all stages."""
    return all(stage.loss in IN_NATS for stage in recipe.resolved_stages())

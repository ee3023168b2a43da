"""What an epoch's weights are worth: validation figures, and whether they are the best so far."""

# pyright: reportUnknownMemberType=false
# (torch leaves the types of some functions open.)
from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from engine.recipes.fields import Stage
from engine.training.sharded import outputs_of
from engine.training.steps import Steps

JUDGE_IMAGES = 20_000  # at most so many training embeddings in the kNN judge's gallery


class Judging(Steps):
    """What judging an epoch needs of a trainer: the weights, the validation images, and the best."""

    val_index: np.ndarray
    followed: np.ndarray
    epoch: int
    best: dict[str, Tensor]
    best_score: float
    since_best: int

    def outputs(
        self, index: np.ndarray, size: int, crop: int | None = None
    ) -> tuple[Tensor, Tensor]:
        """Logits (n, K) and embeddings (n, D) of the images at `index` (n,) by the weights that are
        judged, on the CPU; each process of the group computes its part. In float32 however the
        weights are trained: as the final figures and predictions are, so that one model has one
        validation accuracy.
        """
        return outputs_of(self.group, self.judged, self.images, index, size, crop)

    def _on_test(self, stage: Stage, size: int) -> dict[str, float]:
        """Figures on the test images, where the recipe follows them; nothing is chosen by these."""
        if not len(self.followed):
            return {}
        logits, _ = self.outputs(self.followed, size, stage.augment.crop)
        labels = torch.from_numpy(self.data.labels[self.followed])
        return {
            "test_accuracy": float((logits.argmax(1) == labels).float().mean()),
            "test_loss": float(torch.nn.functional.cross_entropy(logits, labels)),
        }

    def _validate(self, stage: Stage, size: int) -> dict[str, float]:
        if not len(self.val_index):
            return {}
        logits, embeddings = self.outputs(self.val_index, size, stage.augment.crop)
        labels = torch.from_numpy(self.data.labels[self.val_index])
        if self.objective.reads == "logits":
            loss = torch.nn.functional.cross_entropy(logits, labels)
            figures = {
                "loss": float(loss),
                "accuracy": float((logits.argmax(1) == labels).float().mean()),
            }
        else:
            figures: dict[str, float] = {}
        if self.objective.reads == "embeddings" or stage.select == "knn":
            figures["knn_accuracy"] = self._knn(embeddings, size, stage)
            figures.setdefault("accuracy", figures["knn_accuracy"])
        return figures

    def _knn(self, queries: Tensor, size: int, stage: Stage) -> float:
        from engine.embedding.neighbours import knn_accuracy

        index = self.train_index
        if len(index) > JUDGE_IMAGES:
            index = np.sort(np.random.default_rng(0).choice(index, JUDGE_IMAGES, replace=False))
        _, gallery = self.outputs(index, size, stage.augment.crop)
        labels = self.data.labels
        return knn_accuracy(
            gallery.numpy(), labels[index], queries.numpy(), labels[self.val_index], k=13
        )

    def _keep_best(self, stage: Stage, val: dict[str, float], train_loss: float) -> bool:
        """Keep a copy of the weights if this epoch is the best so far by the stage's figure; ties
        go to the later epoch.
        """
        if stage.select == "last" or not val:
            score = float(self.epoch)
        elif stage.select == "loss":
            score = -val.get("loss", train_loss)
        else:
            score = val["knn_accuracy" if stage.select == "knn" else "accuracy"]
        if score < self.best_score:
            self.since_best += 1
            return False
        self.since_best = 0 if score > self.best_score else self.since_best + 1
        self.best_score = score
        self.best = {key: value.detach().clone() for key, value in self.judged.state_dict().items()}
        return True

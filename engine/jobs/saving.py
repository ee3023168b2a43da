"""What a run keeps of its training: the state of every epoch, the best model, and snapshots of its embedding."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, cast

import numpy as np

from engine.device import describe_device
from engine.files.documents import Figures
from engine.imaging.placement import placement_kept
from engine.models.checkpoint import save_checkpoint
from engine.training.stats import EpochStats
from engine.training.trainer import Trainer
from engine.training.trainer_state import save_trainer

if TYPE_CHECKING:
    from engine.runs.run import Run


SNAPSHOT_IMAGES = 2_000  # images whose embeddings are kept after every epoch, to watch a space form


SNAPSHOT_EPOCHS = 40  # and at most so many epochs, evenly spread


class Saver:
    """Writes best/ when it has improved and last/ at epoch ends, as often as is cheap beside the
    training itself.
    """

    def __init__(self, run: Run, trainer: Trainer, test_images: int = 0) -> None:
        """test_images: how many are read once the training has ended."""
        self.run, self.trainer = run, trainer
        self.on_the_way: Figures = {"unfinished": True, "test_waiting": test_images}
        self.cost, self.saved_at, self.pending = 0.0, 0.0, False
        self.every = max(1, trainer.epochs // SNAPSHOT_EPOCHS)
        index = trainer.val_index if len(trainer.val_index) else trainer.train_index
        self.watched = (
            index
            if len(index) <= SNAPSHOT_IMAGES
            else np.sort(np.random.default_rng(0).choice(index, SNAPSHOT_IMAGES, replace=False))
        )
        if not trainer.epoch:
            self._snapshot(0)

    def keep(self, stats: EpochStats) -> None:
        if stats.epoch % self.every == 0 or stats.epoch == stats.epochs:
            self._snapshot(stats.epoch)
        self.pending = True
        now = time.perf_counter()
        # Writing may take a tenth of the time; small models are saved after every epoch, a large
        # one less often.
        if now - self.saved_at >= 10 * self.cost or stats.epoch == stats.epochs:
            self._save(stats)
            self.saved_at = time.perf_counter()
            self.cost = self.saved_at - now

    def _save(self, stats: EpochStats) -> None:
        self.pending = False
        trainer = self.trainer
        if not trainer.group.leads:  # nor has the first process always written its rows by now
            return
        if trainer.best:
            rows = (row for row in self.run.metrics() if row["kind"] == "epoch" and row["best"])
            kept = deque(rows, maxlen=1)  # not always of the last epoch
            figures = {
                "val_accuracy": kept[0]["val_accuracy"] if kept else None,
                "val_loss": kept[0]["val_loss"] if kept else None,
                "epochs": stats.epoch,
                "seconds": stats.seconds,
                **self.on_the_way,
            }
            save_best(
                self.run,
                trainer,
                cast(Figures, {key: value for key, value in figures.items() if value is not None}),
            )
        save_trainer(trainer, self.run.last)

    def _snapshot(self, epoch: int) -> None:
        trainer = self.trainer
        stage = trainer.stages[max(trainer.stage_number, 0)]
        size = stage.size or trainer.data.size
        _, embeddings = trainer.outputs(self.watched, size, stage.augment.crop)
        self.run.write_arrays(
            f"snapshots/epoch-{epoch:04d}.npz",
            embeddings=embeddings.numpy().astype(np.float16),
            labels=trainer.data.labels[self.watched],
            index=self.watched,
        )

    def close(self) -> None:
        """After a stop in the middle of an epoch: what was best when the last epoch ended is still
        written.
        """
        if self.pending and self.trainer.best:
            figures: Figures = {
                "epochs": self.trainer.epoch,
                "seconds": self.trainer.seconds,
                **self.on_the_way,
            }
            save_best(self.run, self.trainer, figures)


def save_best(run: Run, trainer: Trainer, figures: Figures, temperature: float = 1.0) -> None:
    """Write the trainer's best weights as the run's checkpoint; of several processes the first does."""
    if not trainer.group.leads:
        return
    placement = placement_kept(trainer.data.images, trainer.train_index, trainer.data.style)
    save_checkpoint(
        run.best,
        trainer.best,
        trainer.recipe,
        trainer.data.classes,
        figures,
        style=trainer.data.style,
        input_size=trainer.input_size,
        temperature=temperature,
        extra={
            "title": str(run.status().get("name") or trainer.recipe.name),
            "fingerprint": trainer.data.fingerprint,
            "run": run.id,
            "machine": {**describe_device(trainer.device), **trainer.group.described()},
            "placement": placement,
        },
    )

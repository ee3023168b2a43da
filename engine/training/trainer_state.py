"""A trainer's whole state at the end of an epoch, on disk and back, so that a killed run goes on as
if nothing had happened.
"""

# pyright: reportUnknownMemberType=false
# (torch leaves the types of some functions open.)
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.errors import CheckpointError
from engine.files.atomic import make_folder, replacing, why_not_written
from engine.training.trainer import Trainer

STATE = "state.json"


def save_trainer(trainer: Trainer, folder: Path) -> None:
    """Write weights, average, best, optimiser and position. `state.json` comes last and names the
    file it belongs to.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file  # pyright: ignore[reportUnknownVariableType]

    make_folder(folder)
    tensors: dict[str, Tensor] = {
        f"model.{key}": value for key, value in trainer.model.state_dict().items()
    }
    tensors |= {f"best.{key}": value for key, value in trainer.best.items()}
    tensors |= {f"objective.{key}": value for key, value in trainer.objective.state_dict().items()}
    if trainer.average is not None:
        tensors |= {f"average.{key}": value for key, value in trainer.average.state_dict().items()}
    plain: dict[str, Any] = {}
    for number, entry in trainer.optimizer.state_dict()["state"].items():
        for key, value in entry.items():
            if isinstance(value, Tensor):
                tensors[f"optimizer.{number}.{key}"] = value
            elif value is not None:
                plain[f"{number}.{key}"] = value
    name = f"state-{trainer.epoch:05d}.safetensors"
    position = {
        "file": name,
        "epoch": trainer.epoch,
        "stage": trainer.stage_number,
        "images_seen": trainer.images_seen,
        "seconds": trainer.seconds,
        "best_score": trainer.best_score if trainer.best else None,
        "since_best": trainer.since_best,
        "first_loss": trainer.first_loss,
        "last_loss": trainer.last_loss,
        "top_accuracy": trainer.top_accuracy,
        "updates": trainer.updates,
        "optimizer": plain,
    }
    try:
        stored = {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}
        with replacing(folder / name) as path:
            save_file(stored, path)
        with replacing(folder / STATE) as path:
            path.write_text(json.dumps(position), encoding="utf-8")
    except (OSError, SafetensorError) as error:  # the disk is full
        raise CheckpointError(
            f"the state of the run could not be written to {folder}",
            got=why_not_written(error),
            hint="Free some disk space.",
        ) from None
    for old in folder.glob("state-*.safetensors"):
        if old.name != name:
            old.unlink(missing_ok=True)


def restore_trainer(trainer: Trainer, folder: Path) -> bool:
    """Put a fresh trainer of the same recipe where `folder` says; False if nothing was saved there.
    Raises CheckpointError.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file  # pyright: ignore[reportUnknownVariableType]

    try:
        position = json.loads((folder / STATE).read_text(encoding="utf-8"))
        tensors = load_file(folder / position["file"], device=str(trainer.device))
    except FileNotFoundError:
        return False
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise CheckpointError(
            f"the saved state in {folder} can't be read",
            got=str(error)[:120],
            hint="Start the recipe again.",
        ) from None

    def part(prefix: str) -> dict[str, Tensor]:
        return {
            key.removeprefix(prefix): value
            for key, value in tensors.items()
            if key.startswith(prefix)
        }

    try:
        trainer.model.load_state_dict(part("model."))
        if position["stage"] < 0:
            return False
        trainer.begin_stage(position["stage"])
        trainer.model.load_state_dict(part("model."))
        trainer.objective.load_state_dict(part("objective."))
        if trainer.average is not None:
            trainer.average.load_state_dict(part("average."))
        state: dict[int, dict[str, object]] = {}
        for key, value in part("optimizer.").items():
            number, _, name = key.partition(".")
            state.setdefault(int(number), {})[name] = (
                value.cpu() if name == "step" and value.ndim == 0 else value
            )
        for key, value in position["optimizer"].items():
            number, _, name = key.partition(".")
            state.setdefault(int(number), {})[name] = value
        trainer.optimizer.load_state_dict(
            {"state": state, "param_groups": trainer.optimizer.state_dict()["param_groups"]}
        )
    except (RuntimeError, ValueError) as error:
        raise CheckpointError(
            f"the saved state in {folder} is another recipe's", got=str(error).splitlines()[0][:160]
        ) from None
    trainer.epoch, trainer.images_seen, trainer.seconds = (
        position["epoch"],
        position["images_seen"],
        position["seconds"],
    )
    trainer.best, trainer.since_best, trainer.updates = (
        part("best."),
        position["since_best"],
        position["updates"],
    )
    trainer.best_score = (
        position["best_score"] if position["best_score"] is not None else float("-inf")
    )
    trainer.first_loss = position.get("first_loss")  # older states have none
    trainer.last_loss = position.get("last_loss")
    trainer.top_accuracy = position.get("top_accuracy", 0.0)
    torch.manual_seed(trainer.recipe.seed)
    return True

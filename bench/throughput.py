"""Training throughput: batches from tensors on the device against PIL transforms in a DataLoader,
in one run.

Both train the same network (`tiny2`, the published net of fewer than 8,000 parameters, with this
lab's layers in both loops), with the same batch size, optimiser and augmentation (crop, rotation,
perspective), on the same MNIST images, already decoded. `main("tiny1")` measures with another
network; a heavy one brings the ratio to 1, as both then wait for it. The DataLoader is given the
better of no worker and one worker a core, measured first. Warm-up and evaluation stay outside the
clock. Reported: the median of `REPEATS` epochs each, taken in turn so that a busy machine hurts
both.
"""

from __future__ import annotations

import os
import statistics
import time

from bench.records import append_figures

IMAGES, BATCH, REPEATS = 12_800, 128, 3
RECIPE = {
    "name": "bench",
    "seed": 0,
    "batch_size": BATCH,
    "epochs": 100,
    "optimizer": "sgd",
    "lr": 0.05,
    "schedule": "constant",
    "augment": {"rotate": 10, "translate": 0.1, "perspective": 0.2},
    "data": {"name": "mnist", "limit": IMAGES, "limit_eval": 100, "style": "digit"},
}


def ours(data, device, model: dict):
    """Endless: images per second of each epoch of the engine's own Trainer."""
    from engine.recipes.recipe import make_recipe
    from engine.training.trainer import EpochStats, Trainer

    trainer = Trainer(make_recipe({**RECIPE, "model": model}), data, device)
    for stats in trainer.fit():
        if isinstance(stats, EpochStats):
            yield stats.images_per_second


def theirs(data, device, model: dict, workers: int):
    """Endless: images per second of each epoch as the studies wrote it: PIL transforms, DataLoader,
    a plain loop in float32.
    """
    import torch
    from PIL import Image
    from torch.utils.data import DataLoader, Dataset
    from torchvision import transforms

    from engine.models.catalog import build_model

    class Digits(Dataset):
        change = transforms.Compose(
            [
                transforms.RandomCrop(28, padding=3),
                transforms.RandomRotation(10),
                transforms.RandomPerspective(0.2, p=1.0),
                transforms.ToTensor(),
                transforms.Normalize((0.5,), (0.5,)),
            ]
        )

        def __len__(self) -> int:
            return len(index)

        def __getitem__(self, at: int):
            return self.change(Image.fromarray(data.images[index[at], 0])), int(
                data.labels[index[at]]
            )

    index = data.split("train")
    torch.manual_seed(0)
    network = build_model(
        model["name"], model["options"], data.channels, len(data.classes), data.size
    ).to(device)
    optimizer = torch.optim.SGD(network.parameters(), lr=RECIPE["lr"], momentum=0.9)
    batches = DataLoader(
        Digits(),
        batch_size=BATCH,
        shuffle=True,
        drop_last=True,
        num_workers=workers,
        persistent_workers=workers > 0,
    )
    while True:
        start, seen = time.perf_counter(), 0
        for images, labels in batches:
            loss = torch.nn.functional.cross_entropy(
                network(images.to(device)).logits, labels.to(device)
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen += len(labels)
        yield seen / (time.perf_counter() - start)


def main(
    name: str = "tiny2", options: dict | None = None, images: int = IMAGES
) -> dict[str, float]:
    """Measure, append to records.csv and return images per second of both and their ratio. options:
    of the network `name`.
    """
    model = {"name": name, "options": options or {}}
    from engine.device import pick_device
    from engine.lab import Lab
    from engine.recipes.recipe import make_recipe

    lab = Lab.open(os.environ)
    device, _ = pick_device(lab.settings.device)
    data = lab.dataset(make_recipe({**RECIPE, "data": {**RECIPE["data"], "limit": images}}).data)
    start = time.perf_counter()
    loaders = {
        workers: theirs(data, device, model, workers) for workers in {0, os.cpu_count() or 1}
    }
    speed = {workers: (next(loop), next(loop))[1] for workers, loop in loaders.items()}
    workers = max(speed, key=speed.__getitem__)
    for other in speed.keys() - {workers}:
        loaders.pop(other).close()
    mine, other = ours(data, device, model), loaders[workers]
    next(mine)
    pairs = [(next(mine), next(other)) for _ in range(REPEATS)]
    result = {
        "images per second, tensors on the device": statistics.median(pair[0] for pair in pairs),
        f"images per second, PIL and DataLoader ({workers} workers)": statistics.median(
            pair[1] for pair in pairs
        ),
    }
    first, second = result.values()
    result["ratio"] = first / second
    called = " ".join(
        ["throughput", name, *(f"{key} {value}" for key, value in model["options"].items())]
    )
    append_figures(called, result, time.perf_counter() - start, seed=0)
    return result


if __name__ == "__main__":
    for metric, value in main().items():
        print(f"{metric}: {value:,.1f}")

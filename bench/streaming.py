"""Training from a set that does not fit in memory against one that does.

Two sets of 256 px photographs of noise are made as the cache keeps them, one uint8 array each:
4,000 images (0.8 GB), which the engine holds in memory, and 20,000 (3.9 GB), which it streams from
disk. Each trains the small `nature-cnn5` in a process of its own; the second one's memory, page
cache included, is limited to 2.5 GB by a control group where this user may make one. Otherwise its
pages are dropped from the cache all the time, which is stricter. What is compared is the engine's
own figure of images per second over the second epoch (of the small set) and the first whole one (of
the large).
"""

from __future__ import annotations

import json
import mmap
import os
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

from bench.records import append

SIZE, HELD, STREAMED, LIMIT_BYTES = 256, 4_000, 20_000, 2_500_000_000
CHANGES = {"scale": "small", "model.options.num_filters": 8, "batch_size": 64, "epochs": 2}


def make(file: Path, images: int) -> None:
    """Write (images, 3, SIZE, SIZE) uint8 to `file` and take it out of the page cache."""
    import numpy as np

    rng = np.random.default_rng(0)
    array = np.lib.format.open_memmap(
        file, mode="w+", dtype=np.uint8, shape=(images, 3, SIZE, SIZE)
    )
    for start in range(0, images, 500):
        array[start : start + 500] = rng.integers(
            0, 256, (min(500, images - start), 3, SIZE, SIZE), dtype=np.uint8
        )
    array.flush()
    del array
    forget(file)


def forget(file: Path) -> None:
    """Take a file out of the page cache, where the system allows it."""
    if hasattr(os, "posix_fadvise"):
        with open(file, "rb") as stream:
            os.fsync(stream.fileno())
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def limit(bytes_: int) -> str:
    """Put this process into a control group with that much memory; returns what was done, or '' if
    it can't be.
    """
    for line in (
        Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines()
        if sys.platform == "linux"
        else ()
    ):
        _, names, path = line.split(":", 2)
        if names not in ("", "memory"):
            continue
        parent = Path("/sys/fs/cgroup") / names / path.strip("/")
        group = parent / f"glyphlab-bench-{os.getpid()}"
        with suppress(OSError):
            group.mkdir()
            (group / ("memory.limit_in_bytes" if names else "memory.max")).write_text(
                str(bytes_), encoding="ascii"
            )
            (group / "cgroup.procs").write_text(str(os.getpid()), encoding="ascii")
            return str(group)
        with suppress(OSError):
            group.rmdir()
    return ""


def keep_cold(array, file: Path) -> None:
    """Drop the array's pages from memory and from the page cache, again and again, for as long as
    the process lives.
    """

    def work() -> None:
        while True:
            array.base.madvise(mmap.MADV_DONTNEED)
            forget(file)
            time.sleep(0.2)

    threading.Thread(target=work, daemon=True).start()


def measure(file: Path, limited: bool) -> dict[str, object]:
    """Train on the set in `file`; images per second of the last whole epoch. In the process that
    calls it.
    """
    import numpy as np
    import torch

    group = limit(LIMIT_BYTES) if limited else ""
    from engine.data.imageset import ImageSet
    from engine.recipes.recipe import shipped_recipe
    from engine.training.trainer import EpochStats, Trainer

    array = np.load(file, mmap_mode="r")
    if limited and not group:
        keep_cold(array, file)
    n = len(array)
    labels = np.arange(n) % 10
    splits = {"train": np.arange(n)[n // 100 :], "val": np.arange(n // 100)}
    data = ImageSet(
        "noise",
        "photo",
        array,
        labels,
        tuple("0123456789"),
        splits,
        [str(i) for i in range(n)],
        "0" * 16,
    )
    trainer = Trainer(shipped_recipe("nature-cnn5", CHANGES), data, torch.device("cpu"))
    speeds = []
    for stats in trainer.fit():
        if isinstance(stats, EpochStats):
            speeds.append(stats.images_per_second)
            if limited:
                break  # one epoch reads the whole file
    return {
        "speed": speeds[-1],
        "held": trainer.images.held is not None,
        "how": "a control group" if group else "pages dropped" if limited else "none",
        "group": group,
    }


def main() -> dict[str, float]:
    """Measure both, append to records.csv and return images per second and their ratio."""
    start = time.perf_counter()
    found = {}
    with tempfile.TemporaryDirectory(dir=os.environ.get("GLYPHLAB_HOME") or None) as folder:
        for name, images, limited in (("held", HELD, False), ("streamed", STREAMED, True)):
            file = Path(folder) / f"{name}.npy"
            make(file, images)
            command = [sys.executable, "-m", "bench.streaming", str(file), str(int(limited))]
            done = subprocess.run(
                command,
                stdout=subprocess.PIPE,
                text=True,
                check=True,
                cwd=Path(__file__).parent.parent,
            )
            found[name] = json.loads(done.stdout.splitlines()[-1])
            if found[name]["group"]:
                with suppress(OSError):
                    Path(found[name]["group"]).rmdir()
            file.unlink()
    if not found["held"]["held"] or found["streamed"]["held"]:
        raise SystemExit("the sets were not held and streamed as this benchmark means them to be")
    result = {
        "images per second, held in memory": found["held"]["speed"],
        f"images per second, streamed with memory limited ({found['streamed']['how']})": found[
            "streamed"
        ]["speed"],
    }
    first, second = result.values()
    result["share of the held speed"] = second / first
    seconds = round(time.perf_counter() - start, 1)
    rows = (
        {
            "bench_or_recipe": "streaming nature-cnn5",
            "scale": "small",
            "seed": 0,
            "metric": m,
            "value": f"{v:.4g}",
            "seconds": seconds,
        }
        for m, v in result.items()
    )
    append(rows)
    return result


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), sys.argv[2] == "1")))

"""A thousand generated data sets as people lay them out: each is counted rightly, and no file is
lost that the report does not name.
"""

from __future__ import annotations

import random
from collections import Counter

from pictures import png, small_page, write_folder, write_zip

from engine.data.folder import list_folder, list_zip
from engine.data.listing import SPLITS
from engine.data.report import report_of

PICTURE = png(small_page("2"))
FORMS = (  # how train, val and test are called
    ("train", "val", "test"),
    ("Training", "Validation", "Testing"),
    ("trainingSet", "validSet", "testSet"),
    ("seg_train", "seg_val", "seg_test"),
    ("train_images", "valid_images", "test_images"),
    ("dataset_train", "dataset_dev", "dataset_test"),
    ("TRAIN", "VALID", "EVAL"),
    ("Trainingsdaten", "Validierung", "Testdaten"),
    ("entrenamiento", "validación", "prueba"),
    ("訓練", "検証", "テスト"),
)
CLASSES = ("0", "1", "7", "A", "é", "中", "cat dog", "a+b", "test", "train", "x.y", "Sample001")
AROUND = ("", "data/", "my set/archive/", "é/", "./")
JUNK = ("__MACOSX/._a.png", ".DS_Store", "Thumbs.db", ".git/x.png")
OTHERS = ("readme.txt", "labels.csv", "model.pkl", "drawing.svg", "x.png.bak")
NAMES = {"Sample001": "0"}  # what Chars74K's folder stands for


def generated(rng: random.Random) -> tuple[dict[str, bytes], Counter, int]:
    """Files, pictures by class and split, and how many pictures have no class."""
    classes = rng.sample(CLASSES, rng.randint(2, 6))
    has_splits = rng.random() < 0.6
    around, wanted, content, loose = rng.choice(AROUND), Counter(), {}, 0
    names = rng.choice(FORMS)
    # Two splits at least, or none; without them, classes called like one are in the minority.
    used = rng.choice(((0, 2), (0, 1, 2))) if has_splits else ()
    if not has_splits:
        plain = [name for name in classes if name not in ("test", "train")]
        classes = plain + ([name for name in classes if name not in plain][: len(plain) > 1])
        classes = classes if len(classes) > 1 else ["0", "1"]
    again = rng.random() < 0.3
    for code in used or (0,):
        split = names[code]
        for label in classes:
            below = f"{split}/{split if again else ''}/".replace("//", "/") if used else ""
            for number in range(rng.randint(1, 3)):
                deeper = "more/" if number == 2 and rng.random() < 0.3 else ""
                ending = rng.choice((".png", ".PNG", ".jpeg", ".tif"))
                content[f"{around}{below}{label}/{deeper}{number}{ending}"] = PICTURE
                wanted[NAMES.get(label, label), SPLITS[code]] += 1
    if used and rng.random() < 0.3:
        content[f"{around}{names[0]}/loose.png"] = PICTURE
        loose += 1 if not again else 0
        if again:  # it would be the only picture beside the folder that was zipped once more
            del content[f"{around}{names[0]}/loose.png"]
    for name in rng.sample(JUNK, rng.randint(0, 2)) + rng.sample(OTHERS, rng.randint(0, 2)):
        content[f"{around}{name}"] = b"x"
    return content, wanted, loose


def test_a_thousand_data_sets_are_counted_rightly_and_lose_no_file(tmp_path):
    for seed in range(1000):
        rng = random.Random(seed)
        content, wanted, loose = generated(rng)
        if seed % 10:
            listing = list_zip(write_zip(tmp_path / f"{seed}.zip", content), 100, "page")
        else:
            folder = write_folder(tmp_path / str(seed), content)
            listing = list_folder(folder, lambda paths: "", "page")
        found = Counter(
            (listing.classes[label], SPLITS[code])
            for label, code in zip(listing.labels, listing.official, strict=True)
        )
        assert found == wanted, (seed, sorted(content))
        report = report_of(listing)
        assert len(listing.skipped) == loose, seed
        assert report.seen == len(content), seed
        assert report.seen == report.images + len(report.skipped) + len(report.hidden), seed

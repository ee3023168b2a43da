"""A model with everything that a stranger needs: `engine export` writes it as a folder or a zip.

model.onnx    from a picture as it is to probabilities and embedding (engine.models.portable.graph)
classes.json  the class names, in the order of the probabilities
README.md     what the file takes and gives, what it leaves to the caller, and the model's card
example.py    the picture files named on its command line, read with onnxruntime, numpy and Pillow
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from engine.errors import GlyphlabError
from engine.files.bundles import whole
from engine.models.checkpoint import Checkpoint, load_checkpoint
from engine.models.metadata import read_meta
from engine.models.onnx_export import check_place
from engine.settings import ROOT

EXAMPLE = ROOT / "assets" / "onnx_example.py"
FILES = ("model.onnx", "classes.json", "README.md", "example.py")
INK = """It looks for the ink as the lab does: the colour of the paper is read from the picture's border (dark on
light or light on dark, whatever the colours), the ink is cut out, placed on the square and resized, with the
same pixels as in the lab."""
PHOTO = "The short side fills the square, the rest is cut off evenly, with the same pixels as in the lab."
LEFT_TO_YOU = {
    "ink": """- One character a picture. The lab cuts words into characters; this file does not.
- Paper under uneven light, or photographed with the table around it: the lab evens the light out and finds
  the sheet; for this file, cut the picture to the paper and even it out first.
- Transparency, more than 8 bits and the rotation that a camera notes: `example.py` puts transparent
  pictures on white and turns photographs upright.""",
    "photo": """- Transparency, more than 8 bits and the rotation that a camera notes: `example.py` puts transparent
  pictures on white and turns photographs upright.""",
}


def write_package(folder: Path, target: Path) -> Path:
    """Write the package of the checkpoint in `folder` to `target` and return it: a zip if its name
    ends so, else a new folder. Raises CheckpointError; GlyphlabError if `target` can't be written,
    or is a folder that holds something else.
    """
    check_place(target)
    zipped = target.suffix.lower() == ".zip"
    if not zipped and target.exists() and not _is_package(target):
        raise GlyphlabError(
            f"{target} is there already and is no such package",
            hint="Name a new folder, or a zip.",
        )
    checkpoint = load_checkpoint(folder)
    with whole(target) as fresh:
        _fill(fresh, checkpoint)
    return target


def _is_package(folder: Path) -> bool:
    return folder.is_dir() and {path.name for path in folder.iterdir()} <= set(FILES)


def _fill(folder: Path, checkpoint: Checkpoint) -> None:
    import onnx

    from engine.models.portable.graph import whole_graph

    graph = whole_graph(checkpoint)
    onnx.save(graph, folder / "model.onnx")
    names = json.dumps(checkpoint.classes, ensure_ascii=False, indent=0)
    (folder / "classes.json").write_text(names + "\n", encoding="utf-8")
    (folder / "README.md").write_text(_card(checkpoint), encoding="utf-8")
    shutil.copyfile(EXAMPLE, folder / "example.py")


def _card(checkpoint: Checkpoint) -> str:
    """What the file takes and gives, before the model's own card."""
    from engine.models.card import is_calibrated, model_card

    meta = read_meta(checkpoint.folder)
    own = model_card(meta)
    found = re.match(r"\A(---\n.*?\n---\n)(# [^\n]*\n)(.*)\Z", own, flags=re.S)
    assert found is not None  # as model_card writes it
    front, title, body = found.groups()
    photo = checkpoint.style == "photo"
    count, channels = len(checkpoint.classes), {"duo": 2, "photo": 3}.get(checkpoint.style, 1)
    side = checkpoint.size
    calibrated = "calibrated, " * is_calibrated(meta)
    return f"""{front}{title}
`model.onnx` takes a picture as it is:

| | name | shape | |
|---|---|---|---|
| in | `image` | (H, W, C) uint8 | one picture of any size, grey (C = 1) or RGB (C = 3) |
| out | `probabilities` | (1, {count}) float32 | {calibrated}in the order of `classes.json` |
| out | `embeddings` | (1, D) float32 | of length 1: the cosine of two says how alike they are |
| out | `blank` | (1,) bool | nothing is drawn: the probabilities mean nothing |
| out | `square` | (1, {channels}, {side}, {side}) uint8 | what the network was given |

{PHOTO if photo else INK} `python example.py PICTURE …` prints the class of each picture.

What it leaves to you:

{LEFT_TO_YOU["photo" if photo else "ink"]}

## The model
{body}"""

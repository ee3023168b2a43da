"""The ONNX package: its graph makes of a picture what the lab makes of it, and a stranger's process
without the lab reads pictures with it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from PIL import Image, ImageDraw
from trained import model_run

from bench.portable import environment_without_the_lab
from engine.errors import GlyphlabError
from engine.imaging.images import square
from engine.imaging.placement import Placement
from engine.lab import Lab
from engine.models.portable.graph import preprocessing

PLACEMENT = Placement(
    (-0.1, -0.01, 0.08), (-0.05, 0.02, 0.09), (0.2, 0.37, 0.55), (0.051, 0.059, 0.072)
)


def drawing(width: int, height: int, seed: int, pen: int = 6) -> Image.Image:
    """Dark strokes on white: a few lines of a random hand."""
    rng = np.random.default_rng(seed)
    page = Image.new("L", (width, height), 255)
    points = [(int(x * width), int(y * height)) for x, y in rng.uniform(0.25, 0.75, (4, 2))]
    ImageDraw.Draw(page).line(points, fill=0, width=pen, joint="curve")
    return page


def hard_pictures() -> dict[str, np.ndarray]:
    """Pictures (H, W, C) uint8 whose way to the square leads through every branch."""
    page = drawing(320, 240, 0)
    light = np.asarray(page)
    rng = np.random.default_rng(1)
    tinted = light[..., None] * np.array([0.9, 0.8, 0.7]) + rng.normal(0, 1, (*light.shape, 3))
    dotted = page.copy()
    ImageDraw.Draw(dotted).ellipse((290, 210, 300, 220), fill=0)
    ruled = page.copy()
    ImageDraw.Draw(ruled).line((0, 200, 320, 200), fill=190, width=2)
    glyph = np.asarray(drawing(28, 28, 4, pen=3).resize((28, 28)))
    grey = {
        "a page": light,
        "light on dark": 255 - light,
        "large, reduced": np.asarray(drawing(1210, 803, 2, pen=9)),
        "thin and far off": np.asarray(
            Image.new("L", (500, 300), 255).transform(
                (500, 300), Image.Transform.AFFINE, (1, 0, -120, 0, 1, -60), fillcolor=255
            )
        ),
        "a thin pen": np.asarray(drawing(400, 300, 3, pen=1)),
        "a crop": light[light.min(1) < 99][:, light.min(0) < 99],
        "a glyph": 255 - glyph,
        "small": np.asarray(drawing(41, 30, 5, pen=2)),
        "a stray dot": np.asarray(dotted),
        "ruled paper": np.asarray(ruled),
        "faint": (255 - (255 - light.astype(int)) // 5).astype(np.uint8),
        "blank": np.full((90, 60), 230, np.uint8),
    }
    colour = {"tinted, noisy paper": np.clip(tinted, 0, 255).astype(np.uint8)}
    return {name: picture[..., None] for name, picture in grey.items()} | colour


@pytest.mark.parametrize(
    ("style", "size", "placement"),
    [("digit", 28, None), ("page", 40, None), ("duo", 48, PLACEMENT), ("photo", 32, None)],
)
def test_a_picture_becomes_the_same_square_as_in_the_lab(style, size, placement):
    graph = preprocessing(style, size, placement)
    session = onnxruntime.InferenceSession(graph.SerializeToString())
    for name, picture in hard_pictures().items():
        seen = Image.fromarray(picture[..., 0] if picture.shape[2] == 1 else picture)
        expected = square(seen, style, size, placement)
        found, blank = session.run(["square", "blank"], {"image": np.ascontiguousarray(picture)})
        np.testing.assert_array_equal(found[0], expected, err_msg=name)
        assert blank[0] == (style != "photo" and not expected.any()), name


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Lab:
    return Lab(tmp_path_factory.mktemp("lab"))


@pytest.fixture(scope="module")
def package(lab, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("out")
    with zipfile.ZipFile(lab.exports.package(model_run(lab).id, out / "model.zip")) as archive:
        archive.extractall(out / "model")
    return out / "model"


def test_a_stranger_reads_pictures_with_it_as_the_lab_does(lab, package, tmp_path):
    assert sorted(path.name for path in package.iterdir()) == [
        "README.md",
        "classes.json",
        "example.py",
        "model.onnx",
    ]
    assert len((package / "example.py").read_text(encoding="utf-8").splitlines()) <= 20
    for number in range(500):
        page = drawing(90 + number % 70, 80 + number % 50, number, pen=2 + number % 5)
        page = page.rotate(number % 30, fillcolor=255).convert(("L", "RGB", "LA", "1")[number % 4])
        page.save(tmp_path / f"{number:03d}.png", compress_level=1)
    Image.new("L", (50, 50), 255).save(tmp_path / "blank.png")
    files = sorted(tmp_path.glob("*.png"))
    environment = environment_without_the_lab(tmp_path / "only")
    for module in ("torch", "engine", "onnx", "scipy"):
        alone = [sys.executable, "-S", "-c", f"import {module}"]
        hidden = subprocess.run(alone, env=environment, cwd=tmp_path, capture_output=True)
        assert b"No module named" in hidden.stderr
    done = subprocess.run(
        [sys.executable, "-S", package / "example.py", *files],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and done.stderr == ""
    answers = [line.split("\t") for line in done.stdout.splitlines()]
    inside = lab.predictor(lab.models()[-1].name).predict(files)
    assert [Path(path) for path, *_ in answers] == files
    for (_, label, probability), own in zip(answers, inside, strict=True):
        assert label == ("(nothing drawn)" if own.blank else own.label)
        assert abs(float(probability) - own.probabilities.max()) < 1e-3


def test_what_it_takes_and_gives_is_what_its_card_says(lab, package):
    session = onnxruntime.InferenceSession(str(package / "model.onnx"))
    own = lab.predictor(lab.models()[-1].name)
    assert json.loads((package / "classes.json").read_text(encoding="utf-8")) == list(own.classes)
    card = (package / "README.md").read_text(encoding="utf-8")
    (taken,) = session.get_inputs()
    assert (taken.name, taken.type, taken.shape) == ("image", "tensor(uint8)", ["H", "W", "C"])
    assert "| in | `image` | (H, W, C) uint8 |" in card
    picture = np.asarray(drawing(120, 90, 7))
    for channels in (1, 3):
        image = np.repeat(picture[..., None], channels, 2)
        found = dict(
            zip(
                [output.name for output in session.get_outputs()],
                session.run(None, {"image": image}),
                strict=True,
            )
        )
        (expected,) = own.predict([picture])
        for name, value in found.items():
            shape = ", ".join(map(str, value.shape))
            shape = (
                shape.replace(f"1, {len(expected.embedding)}", "1, D")
                if name == "embeddings"
                else shape
            )
            shape = "1," if value.shape == (1,) else shape
            assert f"| out | `{name}` | ({shape}) {value.dtype} |" in card
        np.testing.assert_allclose(found["probabilities"][0], expected.probabilities, atol=1e-5)
        np.testing.assert_allclose(found["embeddings"][0], expected.embedding, atol=1e-5)
        np.testing.assert_array_equal(found["square"][0], expected.square)
    for wrong in (
        np.zeros((9, 9), np.uint8),
        np.zeros((9, 9, 3), np.float32),
        np.zeros((9, 9, 4), np.uint8),
    ):
        with pytest.raises(Exception, match="INVALID_ARGUMENT|Invalid|invalid"):
            session.run(None, {"image": wrong})


def test_nothing_else_is_overwritten(lab, package, tmp_path):
    model = lab.models()[-1].name
    other = tmp_path / "thesis"
    other.mkdir()
    (other / "chapter-1.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(GlyphlabError, match="is there already"):
        lab.exports.package(model, other)
    with pytest.raises(GlyphlabError, match="no folder"):
        lab.exports.package(model, tmp_path / "nowhere" / "model")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["thesis"]

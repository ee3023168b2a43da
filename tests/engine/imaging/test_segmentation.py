"""Cutting a line of writing into characters."""

from __future__ import annotations

import numpy as np
import pytest
from hands import drawn, written
from PIL import Image, ImageDraw, ImageFilter

from engine.imaging import images
from engine.imaging.pieces import join
from engine.imaging.segmentation import (
    MOST_PIECES,
    best_cut,
    clearly_several,
    count_characters,
    count_strokes,
    lines_of,
    square_in_line,
)
from engine.lab import Lab
from engine.recognition.word_reader import read_lines, text_of


def alike(pieces):
    """A score that finds every candidate equally good."""
    return [-0.1] * len(pieces)


def cut(ink: np.ndarray, score=alike) -> list:
    (line,) = lines_of(ink)
    return best_cut(line, score)


@pytest.mark.parametrize("word", ["70", "17071", "ToT", "0i0", "7=7"])
def test_a_word_falls_into_its_characters_from_left_to_right(word):
    found = cut(written(word))
    assert len(found) == len(word)
    lefts = [one.piece.left for one in found]
    assert lefts == sorted(lefts)


@pytest.mark.parametrize(
    ("word", "gap", "several"),
    [
        ("777", 60, True),
        ("0000", 40, True),
        ("77", 60, False),  # of two parts there are characters, such as Korean ones
        ("777", 4, False),
        ("111", 60, False),  # three strokes may be one character
        ("===", 60, True),
        ("i", 30, False),
        ("=", 30, False),
        ("0i0", 60, False),
    ],
)
def test_three_wide_parts_far_apart_are_clearly_several_characters(word, gap, several):
    assert clearly_several(written(word, gap=gap)) is several


@pytest.mark.parametrize(
    "boxes",
    [
        [(40, 60, 120, 160), (50, 20, 66, 36), (94, 20, 110, 36)],  # ä
        [(20, 80, 140, 92), (74, 40, 90, 56), (74, 116, 90, 132)],  # ÷
        [(70, 40, 90, 60), (70, 120, 90, 140)],  # :
        [(60, 30, 72, 70), (100, 30, 112, 70)],  # "
        [(20, 120, 40, 140), (80, 120, 100, 140), (140, 120, 160, 140)],  # …
        [(10, 120, 50, 134), (70, 120, 110, 134), (130, 120, 170, 134)],  # dashes
        [(20, 40, 34, 160), (80, 40, 94, 160), (140, 40, 154, 160)],  # 川
        [(70, 20, 88, 150), (20, 60, 60, 110), (110, 60, 150, 110)],  # 小
    ],
)
def test_parts_of_one_character_are_not_several(boxes):
    picture = Image.new("L", (180, 180))
    for box in boxes:
        ImageDraw.Draw(picture).rectangle(box, fill=255)
    assert not clearly_several(np.asarray(picture))
    assert not clearly_several(np.zeros((90, 90), np.uint8))


def test_a_dot_belongs_to_its_letter_and_a_bar_to_its_sign():
    dotted, equal = cut(written("i"))[0].piece, cut(written("="))[0].piece
    assert dotted.height > 100 and equal.height > 30


def test_what_stands_under_a_bar_is_not_part_of_it():
    ink = np.pad(written("T"), ((0, 0), (0, 60)))
    ImageDraw.Draw(picture := Image.fromarray(ink)).ellipse(
        (82, 110, 132, 185), outline=255, width=12
    )
    assert len(lines_of(np.asarray(picture))[0].pieces) == 2


def test_a_wide_gap_is_a_space():
    assert [one.after_space for one in cut(written("70 17"))] == [False, False, True, False]


def test_of_a_page_full_of_dots_so_many_strokes_are_looked_at():
    page = np.zeros((400, 400), np.uint8)
    for row in (4, 5, 6):
        page[row::16, 4:396] = 255
    page[:, ::20] = 0
    assert count_strokes(page) == MOST_PIECES and count_strokes(np.zeros_like(page)) == 0


def test_a_blank_page_has_no_lines_and_specks_are_left_out():
    blank = np.zeros((120, 200), np.uint8)
    assert lines_of(blank) == [] and count_characters(blank) == (0, 0)
    ink = written("70").copy()
    ink[5:8, 5:8] = 255
    assert len(cut(ink)) == 2


def test_two_lines_are_read_from_top_to_bottom():
    first, second = written("70"), written("117")
    width = max(first.shape[1], second.shape[1])
    page = np.concatenate(
        [np.pad(line, ((0, 0), (0, width - line.shape[1]))) for line in (first, second)]
    )
    assert [len(line.pieces) for line in lines_of(page)] == [2, 3]


def test_touching_characters_are_parted_where_that_reads_better():
    ink = written("00", gap=-16)
    (line,) = lines_of(ink)
    assert len(line.pieces) > 1 and all(line.open_after)

    def rings(pieces):  # a ring is as wide as high, near enough
        return [-0.05 if 0.5 < piece.width / piece.height < 0.9 else -3.0 for piece in pieces]

    def one(pieces):
        return [-0.01 if piece.width > 1.2 * piece.height else -2.0 for piece in pieces]

    assert len(best_cut(line, rings)) == 2
    assert len(best_cut(line, one)) == 1


def test_joining_loses_no_ink():
    (line,) = lines_of(written("=7"))
    whole = join(line.pieces)
    assert int((whole.ink > 96).sum()) == sum(int((piece.ink > 96).sum()) for piece in line.pieces)


@pytest.mark.parametrize("symbol", ["♥", "→", "#", "7", "0", "i", "T", "="])
def test_one_drawing_counts_as_one_character(symbol):
    assert count_characters(drawn(symbol)) == (1, 1)


@pytest.mark.parametrize(("word", "count"), [("70", 2), ("717", 3), ("0i", 2)])
def test_characters_side_by_side_are_counted(word, count):
    assert count_characters(written(word))[0] == count


def test_tablet_drawings_are_single_characters(real_data):
    import zipfile

    with zipfile.ZipFile(real_data / "trainPart1.zip") as file:
        names = sorted(name for name in file.namelist() if name.endswith(".png"))[::62]
        counts = [
            count_characters(images.ink_of(images.open_picture(file.read(name)).reduce(4)))[1]
            for name in names
        ]
    assert counts == [1] * len(names)


def test_a_small_letter_stays_small_beside_tall_ones():
    (line,) = lines_of(written("To"))
    tall, small = (square_in_line(piece, line, "page", 48) for piece in line.pieces)
    heights = [box[3] - box[1] for box in (images.ink_box(square[0]) for square in (tall, small))]
    assert heights[1] < 0.85 * heights[0]
    assert square_in_line(line.pieces[0], line, "digit", 28).shape == (1, 28, 28)
    assert square_in_line(line.pieces[0], line, "duo", 48).shape == (2, 48, 48)


def test_a_photograph_of_a_line_is_read(tmp_path):
    ink = written("70 17")
    light = np.linspace(130, 235, ink.shape[1])[None] + np.random.default_rng(0).normal(
        0, 3, ink.shape
    )
    photo = Image.fromarray(
        np.clip(light * (1 - 0.8 * ink / 255.0), 0, 255).astype(np.uint8)
    ).filter(ImageFilter.GaussianBlur(1))
    predictor = Lab(tmp_path).predictor("canvas-digits")
    assert text_of(read_lines(predictor, images.ink_of(photo))) == "70 17"
    assert read_lines(predictor, np.zeros((50, 80), np.uint8)) == []

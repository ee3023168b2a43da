"""What is said about a picture of a character: decided here once, for the pad, for files, for the API
and for the command line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.imaging.segmentation import clearly_several, count_characters, count_strokes
from engine.imaging.squares import coarse
from engine.recognition.confusables import UNSURE_BELOW, Answer, judge
from engine.recognition.word_reader import read_lines

if TYPE_CHECKING:
    import numpy as np

    from engine.imaging.images import Page
    from engine.models.predictor import Prediction, Predictor
    from engine.services.gallery import Gallery

MOST_STROKES = (
    60  # a word of twenty letters has forty; what has more (dots all over) is not read as one
)
# Pixels at which a drawing's characters are counted: enough to see gaps between them.
COUNTED_SIDE = 240
CLEARLY_ONE = 0.985  # a model this sure of a single character is believed, unless the drawing is clearly several


def verdict_on(
    page: Page, prediction: Prediction, predictor: Predictor, gallery: Gallery | None
) -> Answer:
    """What to say about a picture, by what `predictor` predicts of it: also whether it holds more than
    one character. gallery: of the model; None where it has not been built, and then nothing is
    called unlike the training images.
    """
    verdict = verdict_of(prediction, gallery)
    if prediction.blank or predictor.checkpoint.style == "photo":
        return verdict
    ink = coarse(page.ink, COUNTED_SIDE)
    if verdict.groups[0].share >= CLEARLY_ONE and not clearly_several(ink):
        return verdict
    pieces = _characters(ink, predictor)
    if pieces > 1:
        return judge(prediction.classes, prediction.probabilities, pieces=pieces)
    return verdict


def verdict_of(prediction: Prediction, gallery: Gallery | None) -> Answer:
    """What to say about one character: also whether it is unlike all that the model was trained on."""
    unlike = gallery is not None and not (
        prediction.blank or gallery.accepts(prediction.embedding, prediction.square)
    )
    return judge(
        prediction.classes, prediction.probabilities, blank=prediction.blank, unlike=unlike
    )


def _characters(ink: np.ndarray, predictor: Predictor) -> int:
    """How many characters a picture shows; where some nearly touch, as many as can be read one by
    one.
    """
    if count_strokes(ink) > MOST_STROKES:
        return 1
    apart, parts = count_characters(ink)
    if parts <= apart:
        return apart
    read = [one for line in read_lines(predictor, ink) for one in line]
    certain = all(one.groups[0].share >= UNSURE_BELOW for one in read)
    return max(apart, len(read)) if certain else apart

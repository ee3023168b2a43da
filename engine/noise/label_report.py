"""The result of a diagnosis of arrays: a typed object, a table, and a page."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from engine.imaging.images import as_picture
from engine.noise.copies import Copies
from engine.noise.findings import REGIMES, Findings, Group
from engine.noise.ranking import Suspects
from engine.noise.report import about_copies, evidence, summary, unknowable
from engine.noise.shares import share

if TYPE_CHECKING:
    import pandas

MOST_SHOWN = 60
MOST_CLASSES = 20  # up to which T is printed
T_TITLE = "<h2>T: of each true class (row), the percentage that carries each label (column)</h2>"
STYLE = """
body {font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;}
.glyphs {display: grid; gap: .6rem; grid-template-columns: repeat(auto-fill, minmax(72px, 1fr));}
figure {margin: 0;} figure img {width: 100%; image-rendering: pixelated;}
figcaption {font-size: .75rem;} table {border-collapse: collapse;}
td, th {padding: .2rem .5rem; text-align: right; border: 1px solid #ccc;}
"""


@dataclass(frozen=True)
class LabelReport:
    """What labels were found to be.

    regime      a name in `findings.REGIMES`
    rate        estimated share of wrong labels, 0..1, with the interval rate_low..rate_high; where
                the regime is 'undecided' the interval holds every reading
    transition  T (K, K), row the true class, column the given label
    given, likely  (N,) int64, the label, and the likeliest class
    score       (N,) float32 in 0..1, probability that the given label is the class
    order       (N,) int64, positions, most suspect first
    groups      groups of images that a person may name, where names can't be told
    """

    regime: str
    rate: float
    rate_low: float
    rate_high: float
    summary: str
    evidence: tuple[str, ...]
    unknowable: tuple[str, ...]
    classes: tuple[str, ...]
    transition: np.ndarray = field(repr=False)
    given: np.ndarray = field(repr=False)
    likely: np.ndarray = field(repr=False)
    score: np.ndarray = field(repr=False)
    confidence: np.ndarray = field(repr=False)
    order: np.ndarray = field(repr=False)
    groups: tuple[Group, ...] = field(default=(), repr=False)
    images: np.ndarray | None = field(default=None, repr=False)

    def to_pandas(self) -> pandas.DataFrame:
        """A row an image, most suspect first: index, given, likely (names of classes), score, and
        confidence, the probability of the likely class.
        """
        import pandas

        names = np.array(self.classes, dtype=object)
        return pandas.DataFrame(
            {
                "index": self.order,
                "given": names[self.given[self.order]],
                "likely": names[self.likely[self.order]],
                "score": self.score[self.order],
                "confidence": self.confidence[self.order],
            }
        )

    def report(self) -> str:
        """The diagnosis as one HTML page that needs no other file: the verdict, the evidence, what
        can't be told, T, the first suspects and the groups as pictures.
        """
        title = REGIMES[self.regime]
        interval = f"{share(self.rate_low)} to {share(self.rate_high)}"
        figure = interval if self.regime == "undecided" else f"{share(self.rate)} ({interval})"
        parts = [
            f"<h1>{escape(title[0].upper() + title[1:])}</h1>",
            f"<p>{escape(self.summary)}</p>",
            f"<p><b>Wrong labels:</b> {figure} of {len(self.given):,}</p>",
            "<h2>Evidence</h2>" + _list(self.evidence),
            "<h2>What these data can't tell</h2>" + _list(self.unknowable),
        ]
        if len(self.classes) <= MOST_CLASSES:
            parts.append(T_TITLE + _table(self.transition, self.classes))
        if self.images is not None:
            first = (
                "Likeliest correct by accident"
                if self.regime == "complementary"
                else "Most suspect"
            )
            parts.append(f"<h2>{first}</h2>" + self._suspects(self.images))
            parts += [self._group(group, self.images) for group in self.groups]
        return (
            f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{escape(title)}</title>"
            f"<style>{STYLE}</style><body>{''.join(parts)}</body></html>"
        )

    def _suspects(self, images: np.ndarray) -> str:
        shown = self.order[:MOST_SHOWN]
        return _gallery(images[shown], [f"{self._labels(i)} ({i})" for i in shown])

    def _labels(self, i: int) -> str:
        """Label → likely class; of an undecided set the label alone where they are one."""
        given, likely = self.classes[self.given[i]], self.classes[self.likely[i]]
        if self.regime == "undecided" and given == likely:
            return given
        doubted = given == likely and self.score[i] < 0.5 and self.regime != "complementary"
        return f"{given} → {'not known' if doubted else likely}"

    def _group(self, group: Group, images: np.ndarray) -> str:
        labels = ", ".join(f"{self.classes[a]} ({share(p)})" for a, p in group.labels)
        like = "one class" if group.alike else "no class in particular"
        title = f"<h3>{group.count:,} images that look like {like}, labelled {escape(labels)}</h3>"
        return title + _gallery(images[list(group.samples)], [""] * len(group.samples))


def report_on(
    findings: Findings,
    suspects: Suspects,
    given: np.ndarray,
    classes: tuple[str, ...],
    images: np.ndarray | None,
    copies: Copies,
) -> LabelReport:
    """The report on a diagnosis of images (N, C, H, W) uint8, or None, with labels (N,)."""
    return LabelReport(
        regime=findings.regime,
        rate=findings.rate,
        rate_low=findings.rate_low,
        rate_high=findings.rate_high,
        summary=summary(findings, len(given), classes),
        evidence=(*evidence(findings, {}, classes), *about_copies(copies)),
        unknowable=tuple(unknowable(findings, len(given), classes)),
        classes=classes,
        transition=findings.matrix,
        given=given,
        likely=suspects.likely,
        score=suspects.score,
        confidence=suspects.confidence,
        order=suspects.order,
        groups=findings.groups,
        images=images,
    )


def _list(sentences: tuple[str, ...]) -> str:
    return "<ul>" + "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences) + "</ul>"


def _table(matrix: np.ndarray, classes: tuple[str, ...]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in classes)
    rows = "".join(
        f"<tr><th>{escape(name)}</th>"
        + "".join(f"<td>{100 * value:.1f}</td>" for value in row)
        + "</tr>"
        for name, row in zip(classes, matrix, strict=True)
    )
    return f"<table><tr><th></th>{head}</tr>{rows}</table>"


def _gallery(images: np.ndarray, captions: list[str]) -> str:
    pieces = []
    for image, caption in zip(images, captions, strict=True):
        out = io.BytesIO()
        as_picture(image).save(out, "PNG")
        address = "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()
        text = escape(caption)
        pieces.append(
            f"<figure><img src='{address}' alt=''><figcaption>{text}</figcaption></figure>"
        )
    return f"<div class='glyphs'>{''.join(pieces)}</div>"

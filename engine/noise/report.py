"""A diagnosis in sentences that a stranger understands: what is wrong, how that is known, and what
these data can't tell.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.noise.diagnosis import Findings
from engine.noise.hypotheses import EXCLUDES, NAMES, PATTERN, Reading
from engine.noise.shares import share

MOST_PAIRS = 8
SAYING = {
    NAMES: "saying what an image is",
    EXCLUDES: "saying what it is not",
    PATTERN: "saying what it is, with a pattern of mistakes",
}


def summary(findings: Findings, n: int, classes: Sequence[str]) -> str:
    """What is wrong, in two or three sentences."""
    count, rate = len(classes), findings.rate
    between = f"between {share(findings.rate_low)} and {share(findings.rate_high)}"
    if findings.regime == "clean":
        most = f"at most {share(findings.rate_high)} of the labels are wrong"
        return (
            f"The labels are right as far as these {n:,} images can tell: {most}. Single errors are"
            " among the suspects."
        )
    if findings.regime == "few errors":
        return (
            f"About {share(rate)} of the labels ({rate * n:,.0f} of {n:,}) are wrong, {between}."
            " Look at the suspects from the top."
        )
    if findings.regime == "symmetric":
        return (
            f"About {share(rate)} of the labels are wrong, {between}, and a wrong label may be any"
            " other class. The right class is still the likeliest label, so it can be recovered."
        )
    if findings.regime == "class-dependent":
        named = ", ".join(
            f"{classes[a]} → {classes[b]} ({share(p)})"
            for a, b, p in confused(findings.matrix)[:MOST_PAIRS]
        )
        return (
            f"About {share(rate)} of the labels are wrong, {between}, and they follow a pattern:"
            f" {named}."
        )
    if findings.regime == "complementary":
        right = (1 - rate) * n
        told = "none" if right < 0.5 else f"about {right:,.0f}"
        return (
            f"The labels say what an image is not. {share(rate)} of them are wrong ({between}),"
            f" spread over the {count - 1} other classes; {told} of the {n:,} are right, by"
            " accident. Read as names they teach a model to be wrong on purpose: its accuracy"
            f" falls to 0%, far below the {share(1 / count)} of guessing. Read as exclusions they"
            " teach it the true classes."
        )
    return (
        f"Nothing in the {n:,} images foretells their labels. They may have been drawn without"
        f" looking, in which case {share(rate)} of them are wrong; no training can recover the true"
        " classes from them."
    )


def evidence(findings: Findings, readings: dict[str, Reading], classes: Sequence[str]) -> list[str]:
    """How it is known: sentences with the numbers behind the regime."""
    count, out = len(classes), []
    for name, found in readings.items():
        chance = "" if found.certain else ", which may be chance"
        out.append(
            f"Read as {SAYING[name]}, labels that a network has not seen are foretold"
            f" {found.gain:+.4f} ± {found.gain_error:.4f} nats an image better than by their"
            f" frequencies{chance}."
        )
    figures = findings.figures
    clear, agree = int(figures["clear"]), figures["clear_agree"]
    if findings.regime == "independent":
        out.append(
            "Even among the clearest half of the images, labels agree with a prediction"
            f" {share(agree)} of the time; guessing gives {share(1 / count)}."
        )
        return out
    against = f"guessing would give {share(1 / count)}"
    out.append(
        f"Among the {clear:,} clearest images, the given label is the predicted class in"
        f" {share(agree)}; {against}. The network that predicted had not seen that label."
    )
    if findings.regime == "complementary":
        off = findings.matrix[~np.eye(count, dtype=bool)]
        out.append(
            "So labels avoid the true class and are even over the others: each of these has"
            f" {share(off.min())} to {share(off.max())}."
        )
        best = np.log(count / (count - 1))
        out.append(
            f"Knowing every true class would foretell such labels by {best:.4f} nats an image: that"
            " one class is excluded says no more."
        )
    elif figures["collisions"] > 2 and findings.regime == "class-dependent":
        out.append(
            f"Wrong labels of one class agree with one another {figures['collisions']:.1f} times as"
            f" often as if they were spread evenly ({count - 1} would mean that each class is"
            " always mistaken for the same other one)."
        )
    elif findings.regime == "symmetric":
        times = f"{figures['collisions']:.1f} times as often as if they were spread evenly"
        out.append(
            f"Wrong labels of one class agree with one another {times}, so there is no pattern in"
            " them."
        )
    return out


def unknowable(findings: Findings, n: int, classes: Sequence[str]) -> list[str]:
    """What these data, `n` images, can't tell, whoever looks at them."""
    count = len(classes)
    out = [
        "Whether the classes' names were swapped throughout (every 3 called 8 and every 8 called"
        " 3): images carry no names."
    ]
    if findings.regime == "independent":
        nats = np.log(count / (count - 1))
        return [
            (
                "Whether the labels are random, or right but about something that these images"
                " don't show."
            ),
            (
                f"Symmetric noise at {share(1 - 1 / count)} leaves the same trace as labels drawn"
                " without looking: none."
            ),
            (
                f"Whether the labels say what an image is not: that one class of {count} is ruled"
                f" out is {nats:.4f} nats an image, {n * nats:,.0f} in all, and where that is too"
                f" little to learn {count} classes from, it looks like chance."
            ),
            "With more images a weaker trace could be found; these give an upper bound only.",
        ]
    if findings.regime == "complementary":
        out = [
            (
                "The names rest on the finding that labels avoid the true class. Had each class"
                " been given every name but a certain wrong one, images and labels would look just"
                " the same."
            ),
        ]
    if findings.regime == "class-dependent" and (1 - np.diag(findings.matrix)).max() > 0.45:
        out.append(
            "Which of two names is right where a class carries both about equally often: here it is"
            " the more frequent one."
        )
    if findings.look_alike:
        pairs = list(
            dict.fromkeys((min(a, b), max(a, b)) for a, b, _ in findings.look_alike)
        )  # most are found from both sides
        named = ", ".join(f"{classes[a]} and {classes[b]}" for a, b in pairs[:MOST_PAIRS])
        more = len(pairs) - MOST_PAIRS
        rest = f" and {more} more pairs" if more > 0 else ""
        out.append(
            "Whether labels are mixed up between classes that look alike in these images:"
            f" {named}{rest}. They count as ambiguous, not as wrong."
        )
    return out


def confused(matrix: np.ndarray, least: float = 0.02) -> list[tuple[int, int, float]]:
    """(true class, given class, share) of T's entries off the diagonal that stand out of their row,
    largest first.
    """
    off = matrix * (1 - np.eye(len(matrix)))
    usual = np.median(off, axis=1, keepdims=True)
    found = [
        (int(a), int(b), float(off[a, b]))
        for a, b in np.argwhere(off > np.maximum(least, 3 * usual))
    ]
    return sorted(found, key=lambda entry: -entry[2])

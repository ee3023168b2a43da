"""A diagnosis in sentences for a reader who does not know the method: what is wrong, the evidence,
and what these data can't tell.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.noise.copies import Copies
from engine.noise.findings import UNDECIDED, Findings
from engine.noise.hypotheses import COMPLEMENTARY, HYPOTHESES, SYMMETRIC, Hypothesis
from engine.noise.shares import share

MOST_PAIRS = 8


def summary(findings: Findings, n: int, classes: Sequence[str]) -> str:
    """What is wrong, in two or three sentences."""
    count, rate = len(classes), findings.rate
    between = f"between {share(findings.rate_low)} and {share(findings.rate_high)}"
    because = f" {_sentence(findings.because)}" if findings.because else ""
    if findings.regime == UNDECIDED:
        return (
            f"{between.capitalize()} of the labels are wrong; the images don't decide:"
            f" {findings.because}.{_differing(findings, classes)}"
        )
    if findings.regime == "clean":
        return (
            f"No wrong labels were found in these {n:,} images: by the 95% interval at most"
            f" {share(findings.rate_high)} of the labels are wrong. Single errors would be among the most"
            " suspicious images."
        )
    if findings.regime == "few errors":
        return (
            f"About {share(rate)} of the labels are wrong, {between} ({findings.rate_low * n:,.0f} to"
            f" {findings.rate_high * n:,.0f} of {n:,}). Look at the suspects from the top.{because}"
        )
    if findings.regime == "symmetric":
        return (
            f"About {share(rate)} of the labels are wrong, {between}, and a wrong label may be any"
            " other class."
            + (because or " The true class is still the likeliest label, so it can be recovered.")
        )
    if findings.regime == "class-dependent":
        named = ", ".join(
            f"{classes[a]} → {classes[b]} ({share(p)})"
            for a, b, p in confused(findings.matrix)[:MOST_PAIRS]
        )
        largest = (
            f": {named}. These are the largest shares of a class that T puts under one wrong label."
            if named
            else "."
        )
        return (
            f"About {share(rate)} of the labels are wrong, {between}, and which label is wrong"
            f" depends on the class{largest}{because}"
        )
    if findings.regime == "complementary":
        correct = (1 - rate) * n
        found = "none" if correct < 0.5 else f"about {correct:,.0f}"
        return (
            "Each label names a class that its image does not belong to. As names of the class,"
            f" {share(rate)} of them are wrong ({between}), spread over the {count - 1} other"
            f" classes; {found} of the {n:,} are correct, by accident. A model trained on them as"
            f" names learns to avoid the true class: its accuracy falls to 0%, far below the"
            f" {share(1 / count)} of guessing. Trained on them as complementary labels, it learns"
            " the true classes."
        )
    return (
        f"No network predicts these labels from the {n:,} images better than by their frequencies."
        f" If they were drawn at random, {share(rate)} of them are wrong; no training can recover"
        " the true classes from them."
    )


def evidence(
    findings: Findings, hypotheses: dict[str, Hypothesis], classes: Sequence[str]
) -> list[str]:
    """The evidence for the regime: sentences with numbers."""
    count, out = len(classes), []
    for name, found in hypotheses.items():
        chance = "" if found.significant else ", which may be chance"
        out.append(
            f"Hypothesis “{HYPOTHESES[name]}”: the log-likelihood of held-out labels is"
            f" {found.gain:+.4f} ± {found.gain_error:.4f} nats an image above that of their"
            f" frequencies{chance}."
        )
    both = [hypotheses[name] for name in (SYMMETRIC, COMPLEMENTARY) if name in hypotheses]
    likelier = max(both, key=lambda found: found.gain, default=None)
    if likelier and len(both) > 1 and all(found.significant for found in both):
        out.append(
            "Whether labels name the class, or one that the image does not belong to: the larger gain"
            f" decides, which is that of {'the first' if likelier is both[0] else 'the second'}. The other's"
            " gain does not speak for it: labels that follow the images are predicted better than by"
            " their frequencies under a wrong hypothesis too."
        )
    if clear := findings.clear:
        looked = clear["images"] / clear["share"] if clear["share"] else 0  # none of no class
        out.append(
            f"By descriptors alone {clear['images']:,.0f} of {looked:,.0f} images are clearly of one class"
            f" ({share(clear['share'])}); those that look like no class are left out."
            if looked
            else "By descriptors alone no image is clearly of one class."
        )
    if clear and clear["images"]:
        certain = clear["unexplained"]
        whole = certain * clear["images"] >= 1
        out.append(
            f"Of these {clear['images']:,.0f}, {share(clear['differ'])} carry another label than"
            " predicted. If all confusion of classes that look alike is put down to the images,"
            f" {f'at least {share(certain)}' if whole else 'none'} of these labels are wrong: a count apart"
            " from the estimate above, in which images that descriptors misplace count as wrong. How images look"
            " was compared without any label."
        )
    figures = findings.figures
    confident, agree = int(figures["confident"]), figures["confident_agreement"]
    if findings.regime == "independent":
        out.append(
            "Even among the most confidently predicted half of the images, labels agree with the"
            f" prediction {share(agree)} of the time; guessing gives {share(1 / count)}."
        )
        return out
    out.append(
        f"Among the {confident:,} most confidently predicted images, the given label is the"
        f" predicted class in {share(agree)}; guessing would give {share(1 / count)}. The networks"
        " were not trained on the labels of the images that they predicted."
    )
    if findings.regime == "complementary":
        off = findings.matrix[~np.eye(count, dtype=bool)]
        out.append(
            "So labels avoid the true class and are spread evenly over the others: each of these"
            f" has {share(off.min())} to {share(off.max())}."
        )
        best = np.log(count / (count - 1))
        out.append(
            f"With every true class known, the gain would be {best:.4f} nats an image: a label that"
            " excludes one class carries no more."
        )
    elif figures["coincidence"] > 2 and findings.regime == "class-dependent":
        out.append(
            f"Two wrong labels of one class agree {figures['coincidence']:.1f} times as often as if"
            f" wrong labels were spread evenly ({count - 1} would mean that each class is only ever"
            " mislabelled as one other)."
        )
    elif findings.regime == "symmetric" and count > 2:  # of two classes they always agree
        out.append(
            f"Two wrong labels of one class among these agree {figures['coincidence']:.1f} times as often as if"
            " wrong labels were spread evenly: nothing shows that they depend on the class."
        )
    return out


def unknowable(findings: Findings, n: int, classes: Sequence[str]) -> list[str]:
    """What these data, `n` images, can't tell, by this or any other method."""
    count, (one, other) = len(classes), classes[:2]
    out = [
        f"Whether the classes' names were exchanged throughout (every {one} labelled {other} and every"
        f" {other} labelled {one}): images carry no names."
    ]
    if findings.regime == "independent":
        nats = np.log(count / (count - 1))
        return [
            (
                "Whether the labels are random, or correct for a property that these images don't"
                " show."
            ),
            (
                f"Symmetric noise at {share(1 - 1 / count)} and labels drawn at random have the"
                " same distribution."
            ),
            (
                "Whether the labels are complementary: that one class of"
                f" {count} is excluded carries {nats:.4f} nats an image, {n * nats:,.0f} in all,"
                f" and where that is too little to learn {count} classes from, it looks like"
                " chance."
            ),
            "More images might show a weaker dependence; these give an upper bound only.",
        ]
    if findings.regime == "complementary":
        out = [
            (
                "The names rest on the finding that labels avoid the true class. Had each class"
                " been given every label but a certain wrong one, images and labels would be just"
                " the same."
            ),
        ]
    unnamed = findings.regime == "class-dependent" and findings.rate_high >= 1
    if findings.regime == UNDECIDED or (unnamed and findings.because):
        out.append(f"How many labels are wrong: {findings.because}.")
    if findings.regime == "class-dependent" and (1 - np.diag(findings.matrix)).max() > 0.45:
        out.append(
            "Which of two labels is correct where a class carries both about equally often: here it"
            " is taken to be the more frequent one."
        )
    if findings.ambiguous:
        pairs = list(
            dict.fromkeys((min(a, b), max(a, b)) for a, b, _ in findings.ambiguous)
        )  # most are found from both sides
        named = ", ".join(f"{classes[a]} and {classes[b]}" for a, b in pairs[:MOST_PAIRS])
        more = len(pairs) - MOST_PAIRS
        rest = f" and {more} more pairs" if more > 0 else ""
        out.append(
            "Whether labels are confused between classes that look alike in these images:"
            f" {named}{rest}. Such labels count as ambiguous, not as wrong, and are not in the estimate."
            + (
                ""
                if findings.regime == "complementary"
                else " Where networks predict the other of two such classes, which of them is right is"
                " not decided."
            )
        )
    return out


def _sentence(clause: str) -> str:
    return f"{clause[0].upper()}{clause[1:]}."


def _differing(findings: Findings, classes: Sequence[str]) -> str:
    """The labels of clear images that differ most, as a sentence."""
    if not findings.differing:
        return ""
    named = ", ".join(
        f"{classes[b]} on what looks like {classes[a]} ({share(p)})"
        for a, b, p in findings.differing
    )
    return f" They differ most as {named}, of the images that look clearly like one class."


def about_copies(copies: Copies) -> list[str]:
    """What is to be known of images that occur several times; nothing if there are none."""
    if not copies.images:
        return []
    several = "s are" if copies.images > 1 else " is"
    text = (
        f"{copies.images:,} image{several} identical or nearly identical to an earlier one. A copy with"
        " the same label is no evidence of its own, and none judges another."
    )
    if copies.wrong_at_least:
        text += (
            f" {copies.contradicted:,} image{'s have' if copies.contradicted > 1 else ' has'} copies with"
            f" another label: at least {copies.wrong_at_least:,} of these labels"
            f" {'are' if copies.wrong_at_least > 1 else 'is'} wrong."
        )
    return [text]


def confused(matrix: np.ndarray, least: float = 0.02) -> list[tuple[int, int, float]]:
    """(true class, given class, share) of T's entries off the diagonal that exceed `least`, largest
    first: none is left out because others of its row are large as well.
    """
    off = matrix * (1 - np.eye(len(matrix)))
    found = [(int(a), int(b), float(off[a, b])) for a, b in np.argwhere(off > least)]
    return sorted(found, key=lambda entry: -entry[2])

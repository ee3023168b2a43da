"""What the committee of an examination is told about the images: what is believed of them, but for those that it shall read unprompted."""

from __future__ import annotations

import numpy as np

# Chosen while developing on mnistTask3, with mistakes counted by MNIST's true labels: 0.95 left nearly a tenth fewer than 0 or 0.99.
SURE, MOSTLY = 0.95, 0.9  # probability above which the committee is told what an image is believed to be; of at least so many
AGREED = 0.9  # probability that beliefs and the first network must both give a class for it to be taken for right; not varied


def without_doubtful(belief: np.ndarray) -> np.ndarray:
    """Probabilities (n, K), all zero for images whose likeliest class is not SURE; as they are, if fewer than MOSTLY of them are."""
    sure = belief.max(1) > SURE
    return belief * sure[:, None] if sure.mean() >= MOSTLY else belief


def second_thoughts(belief: np.ndarray, verdict: np.ndarray, learned: np.ndarray) -> np.ndarray:
    """Probabilities (n, K) to learn from, after `belief` (n, K) and what a network that was taught by it has said, `verdict` (n, K).

    Their mean where they agree; elsewhere the verdict, of the images that `learned` (n,) bool names only, and zeros for the others. The
    mean of all, if they agree on fewer than MOSTLY.
    """
    both = (belief + verdict) / 2
    agreed = (belief.argmax(1) == verdict.argmax(1)) & (np.minimum(belief.max(1), verdict.max(1)) > AGREED)
    return np.where(agreed[:, None], both, verdict * learned[:, None]) if agreed.mean() >= MOSTLY else both

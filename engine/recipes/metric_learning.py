"""Losses on embeddings and miners of pytorch-metric-learning that a recipe may name, each with the options
that a recipe may give it, and what each of these may be.

Written down here, so that names are checked before a run without loading torch; a test holds the tables
against the library. Not among them is what takes another loss or a function (CrossBatchMemory,
GenericPairLoss, MultipleLosses, SelfSupervisedLoss) and what takes no labels (ManifoldLoss, VICRegLoss).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

LOSSES: dict[str, tuple[str, ...]] = {
    "AngularLoss": ("alpha",),
    "ArcFaceLoss": ("margin", "scale"),
    "CircleLoss": ("m", "gamma"),
    "ContrastiveLoss": ("pos_margin", "neg_margin"),
    "CosFaceLoss": ("margin", "scale"),
    "DynamicSoftMarginLoss": ("min_val", "num_bins", "momentum"),
    "FastAPLoss": ("num_bins",),
    "GeneralizedLiftedStructureLoss": ("neg_margin", "pos_margin"),
    "HistogramLoss": ("n_bins", "delta"),
    "InstanceLoss": ("gamma",),
    "IntraPairVarianceLoss": ("pos_eps", "neg_eps"),
    "LargeMarginSoftmaxLoss": ("margin", "scale"),
    "LiftedStructureLoss": ("neg_margin", "pos_margin"),
    "MarginLoss": ("margin", "nu", "beta", "triplets_per_anchor", "learn_beta"),
    "MultiSimilarityLoss": ("alpha", "beta", "base"),
    "NCALoss": ("softmax_scale",),
    "NPairsLoss": (),
    "NTXentLoss": ("temperature",),
    "NormalizedSoftmaxLoss": ("temperature",),
    "P2SGradLoss": (),
    "PNPLoss": ("b", "alpha", "anneal", "variant"),
    "ProxyAnchorLoss": ("margin", "alpha"),
    "ProxyNCALoss": ("softmax_scale",),
    "RankedListLoss": ("margin", "Tn", "imbalance", "alpha", "Tp"),
    "SignalToNoiseRatioContrastiveLoss": ("pos_margin", "neg_margin"),
    "SmoothAPLoss": ("temperature",),
    "SoftTripleLoss": ("centers_per_class", "la", "gamma", "margin"),
    "SphereFaceLoss": ("margin", "scale"),
    "SubCenterArcFaceLoss": ("margin", "scale", "sub_centers"),
    "SupConLoss": ("temperature",),
    "ThresholdConsistentMarginLoss": (
        "lambda_plus",
        "lambda_minus",
        "margin_plus",
        "margin_minus",
    ),
    "TripletMarginLoss": ("margin", "swap", "smooth_loss", "triplets_per_anchor"),
    "TupletMarginLoss": ("margin", "scale"),
}
MINERS: dict[str, tuple[str, ...]] = {
    "AngularMiner": ("angle",),
    "BatchEasyHardMiner": (
        "pos_strategy",
        "neg_strategy",
        "allowed_pos_range",
        "allowed_neg_range",
    ),
    "BatchHardMiner": (),
    "DistanceWeightedMiner": ("cutoff", "nonzero_loss_cutoff"),
    "HDCMiner": ("filter_percentage",),
    "MultiSimilarityMiner": ("epsilon",),
    "PairMarginMiner": ("pos_margin", "neg_margin"),
    "TripletMarginMiner": ("margin", "type_of_triplets"),
    "UniformHistogramMiner": ("num_bins", "pos_per_bin", "neg_per_bin"),
}
REQUIRED: dict[str, tuple[str, ...]] = {"RankedListLoss": ("margin", "Tn")}
# What an option may be that is no number.
_Flag = Annotated[bool, Field(strict=True)]
_Whole = Annotated[int, Field(strict=True, ge=1)]
_PerAnchor = _Whole | Literal["all"]
_Strategy = Literal["easy", "hard", "semihard", "all"]
_Range = tuple[float, float] | None
KINDS: dict[str, Any] = {
    "allowed_neg_range": _Range,
    "allowed_pos_range": _Range,
    "centers_per_class": _Whole,
    "delta": Annotated[float | None, Field(strict=True, gt=0)],
    "learn_beta": _Flag,
    "n_bins": Annotated[int | None, Field(strict=True, ge=1)],
    "neg_per_bin": _Whole,
    "neg_strategy": _Strategy,
    "num_bins": _Whole,
    "pos_per_bin": _Whole,
    "pos_strategy": _Strategy,
    "smooth_loss": _Flag,
    "sub_centers": _Whole,
    "swap": _Flag,
    "triplets_per_anchor": _PerAnchor,
    "type_of_triplets": _Strategy,
    "variant": Literal["Ds", "Dq", "Iu", "Ib", "O"],
}
NUMBER = Annotated[float, Field(strict=True)]
BALANCED = ("SmoothAPLoss",)  # wants as many images of each class in a batch

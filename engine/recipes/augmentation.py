"""`Augment`: the random changes to training images, as fields of a recipe."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Augment(Frozen):
    """Random changes to each training image, drawn anew per sample; zero switches one off. Lengths
    are fractions of the image side.
    """

    rotate: float = Field(default=0, ge=0, le=180, description="degrees either way")
    translate: float = Field(default=0, ge=0, le=0.5, description="shift, fraction of the side")
    zoom: float = Field(default=0, ge=0, le=0.9, description="scale between 1 - zoom and 1 + zoom")
    zoom_min: float | None = Field(
        default=None, gt=0, le=1, description="smallest scale, if not 1 - zoom"
    )
    stretch: float = Field(default=0, ge=0, le=0.9, description="width against height, 1 ± stretch")
    shear: float = Field(default=0, ge=0, le=60, description="degrees either way")
    perspective: float = Field(
        default=0, ge=0, le=0.9, description="how far the corners move, fraction of the side"
    )
    elastic: float = Field(
        default=0, ge=0, le=0.3, description="smooth displacement, fraction of the side"
    )
    elastic_grid: int = Field(
        default=4, ge=2, le=16, description="control points a side of the elastic field"
    )
    thickness: float = Field(
        default=0, ge=0, le=3, description="stroke grown or thinned, at most pixels at 28 px"
    )
    flip_horizontal: float = Field(default=0, ge=0, le=1, description="probability")
    flip_vertical: float = Field(default=0, ge=0, le=1, description="probability")
    brightness: float = Field(
        default=0, ge=0, le=1, description="lighting: added brightness, fraction of full range"
    )
    contrast: float = Field(default=0, ge=0, le=1, description="contrast between 1 - c and 1 + c")
    colour: float = Field(
        default=0, ge=0, le=1, description="saturation and per-channel gain jitter (colour images)"
    )
    noise: float = Field(
        default=0, ge=0, le=1, description="deviation of added noise, fraction of full range"
    )
    erase: float = Field(
        default=0,
        ge=0,
        le=1,
        description="probability that a rectangle is erased with random values (Zhong et al. 2017)",
    )
    crop: int | None = Field(
        default=None,
        ge=8,
        le=1024,
        description=(
            "resize to this side first, then take a random crop of the stage's size (centre crop"
            " when evaluating)"
        ),
    )
    hide_page: float = Field(
        default=0, ge=0, le=1, description="style duo: probability that the page channel is blanked"
    )
    affine_probability: float = Field(
        default=1, ge=0, le=1, description="share of images that the geometric changes touch"
    )
    lighting_probability: float = Field(
        default=1, ge=0, le=1, description="share of images that the lighting changes touch"
    )

import pytest
import torch

from engine.data.augment import augment, fit_size, quarter_turned, resize
from engine.recipes.fields import Augment


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def stroke(n: int = 8, size: int = 28, channels: int = 1) -> torch.Tensor:
    images = torch.zeros(n, channels, size, size, dtype=torch.uint8)
    images[:, :, 6:22, 12:16] = 255
    return images


def test_nothing_asked_for_changes_nothing() -> None:
    images = stroke()
    assert torch.equal(augment(images, Augment(), 28, generator()), images.float())


def test_the_same_generator_state_gives_the_same_images() -> None:
    spec = Augment(
        rotate=20, translate=0.1, zoom=0.2, elastic=0.05, thickness=1, noise=0.1, erase=0.5
    )
    first, again = (augment(stroke(), spec, 28, generator(3)) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, augment(stroke(), spec, 28, generator(4)))


def test_each_image_of_a_batch_has_its_own_draw() -> None:
    out = augment(stroke(), Augment(rotate=30), 28, generator())
    assert all(not torch.equal(out[0], other) for other in out[1:])


@pytest.mark.parametrize(
    "spec",
    [
        Augment(rotate=180, shear=30, perspective=0.3),
        Augment(zoom=0.5, stretch=0.5),
        Augment(brightness=1, contrast=1, noise=0.5),
        Augment(erase=1),
        Augment(thickness=2),
        Augment(elastic=0.2),
    ],
)
def test_values_stay_in_range_and_shape_follows_the_size(spec: Augment) -> None:
    out = augment(stroke(), spec, 32, generator())
    assert out.shape == (8, 1, 32, 32) and out.dtype == torch.float32
    assert out.min() >= 0 and out.max() <= 255 and out.isfinite().all()


def test_a_translation_moves_the_ink_and_leaves_paper_behind() -> None:
    images = torch.full((64, 1, 20, 20), 255, dtype=torch.uint8)
    out = augment(images, Augment(translate=0.25), 20, generator())
    assert (
        out.mean((1, 2, 3)) < 254
    ).float().mean() > 0.9  # where the sheet was pulled away there is paper, 0
    assert out.mean((1, 2, 3)).min() > 0.5 * 255


def test_zoom_scales_the_area_within_its_bounds() -> None:
    area = stroke()[0].float().sum()
    out = augment(stroke(200), Augment(zoom=0.3), 28, generator()).sum((1, 2, 3)) / area
    assert 0.7**2 * 0.9 < out.min() < 0.8 and 1.2 < out.max() < 1.3**2 * 1.1


def test_flips_happen_with_their_probability() -> None:
    images = torch.zeros(400, 1, 8, 8, dtype=torch.uint8)
    images[:, :, :, :4] = 200
    flipped = augment(images, Augment(flip_horizontal=0.5), 8, generator())[:, 0, 4, 0] < 100
    assert 0.4 < flipped.float().mean() < 0.6


@pytest.mark.parametrize(
    "geometry",
    [{"rotate": 45}, {"elastic": 0.2}, {"perspective": 0.5}],
    ids=lambda geometry: next(iter(geometry)),
)
def test_affine_probability_leaves_its_share_untouched(geometry) -> None:
    out = augment(stroke(400), Augment(**geometry, affine_probability=0.25), 28, generator())
    same = ((out - stroke(1).float()).abs().amax((1, 2, 3)) < 2).float().mean()
    assert 0.65 < same < 0.85


def test_thickness_grows_some_strokes_and_thins_others() -> None:
    ink = (augment(stroke(100), Augment(thickness=1), 28, generator()) > 127).sum((1, 2, 3))
    own = int((stroke(1) > 127).sum())
    assert (ink > own).any() and (ink < own).any()


def test_a_crop_shows_a_window_of_the_resized_image() -> None:
    images = torch.arange(64, dtype=torch.uint8).repeat(64, 1)[None, None].repeat(16, 1, 1, 1)
    out = augment(images, Augment(crop=64), 48, generator())
    assert out.shape[-1] == 48
    assert len(set(out[:, 0, 0, 0].tolist())) > 3  # windows start at different columns
    assert torch.equal(out[0, 0, 0], torch.arange(48) + out[0, 0, 0, 0])


def test_hiding_the_page_blanks_the_second_channel_only() -> None:
    out = augment(stroke(200, channels=2), Augment(hide_page=0.5), 28, generator())
    hidden = out[:, 1].amax((1, 2)) == 0
    assert 0.35 < hidden.float().mean() < 0.65
    assert (out[:, 0].amax((1, 2)) == 255).all()


def test_evaluation_cuts_the_middle_after_the_resize() -> None:
    images = torch.arange(64, dtype=torch.uint8).repeat(64, 1)[None, None]
    out = fit_size(images, 48, crop=64)
    assert torch.equal(out[0, 0, 0], torch.arange(8, 56).float())


def test_shrinking_keeps_thin_strokes() -> None:
    images = torch.zeros(1, 1, 96, 96, dtype=torch.uint8)
    images[:, :, :, 47] = 255
    assert (
        resize(images, 24)[0, 0, 12].sum() > 40
    )  # without antialiasing the line falls between samples


def test_a_class_turned_is_another_class() -> None:
    images = torch.arange(9, dtype=torch.uint8).view(1, 1, 3, 3).repeat(64, 1, 1, 1)
    labels = torch.arange(64) % 5
    out, turned = quarter_turned(images, labels, generator())
    assert set((turned % 4).tolist()) == {0, 1, 2, 3}
    for image, given, label in zip(out, labels.tolist(), turned.tolist(), strict=True):
        assert label // 4 == given
        assert torch.equal(image, torch.rot90(images[0], label % 4, (1, 2)))

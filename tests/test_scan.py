"""The positive is the one by which labels were given, and training, scoring and page give the network one input."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from darkroom.film import inversion
from darkroom.film.film import Film, network_input
from darkroom.film.inversion import invert
from darkroom.film.scan import Scan, open_scan
from film import BASE, eight_bit, frame, png, sixteen_bit, tiff


def expected_positive(values: np.ndarray, full: int) -> np.ndarray:
    """DESIGN's definition of `cvt2pos`, step by step in float64 with SciPy's filter. values: integers 0…full."""
    x = values.astype(np.float64) / full
    positive = np.zeros_like(x)
    for c in range(3):
        low, high = np.percentile(x[..., c], 1), np.percentile(x[..., c], 99)
        stretched = ((x[..., c] - low) / (high - low)).clip(0, 1)
        positive[..., c] = ((1 - stretched) * 255).astype(np.uint8)
    means = positive.mean(axis=(0, 1))
    positive = positive * (means.mean() / means)
    for c in range(3):
        positive[..., c] = gaussian_filter(positive[..., c], sigma=1.1, radius=2, mode="mirror")
    return positive.round().clip(0, 255)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("full", [255, 65535])
def test_cvt2pos_is_what_its_definition_says(seed, full):
    values = np.round(frame(seed=seed) * full).astype(np.uint16 if full > 255 else np.uint8)
    scan = open_scan(png(values))
    positive = invert(scan.rgb) * 255

    assert np.abs(positive - np.rint(positive)).max() < 1e-4, "every value is a multiple of 1/255"
    off = np.abs(np.rint(positive) - expected_positive(values, full))
    # float32 and float64 may fall on either side of a truncation: a step here and there, never two.
    assert off.max() <= 1 and (off > 0).mean() < 0.03


@pytest.mark.parametrize("method", inversion.METHODS)
@pytest.mark.parametrize("rows", [1, 2, 3, 50])
def test_a_positive_made_strip_by_strip_is_the_whole_one(method, rows, monkeypatch):
    negative = frame(97, 61)
    whole = invert(negative, method)
    monkeypatch.setattr(inversion, "STRIP", 61 * rows)
    assert np.array_equal(invert(negative, method), whole)


def test_cvt2pos_stretches_a_deep_scan_at_its_full_depth():
    """A thin frame that spans 3 steps of 8 bits, but 770 of 16, keeps its gradation."""
    thin = 0.4 + 0.012 * (frame() - 0.5)
    deep = invert(open_scan(tiff(sixteen_bit(thin))).rgb)
    shallow = invert(open_scan(png(eight_bit(thin))).rgb)
    assert len(np.unique(deep[..., 0])) > 3 * len(np.unique(np.rint(shallow[..., 0] * 255) // 16))
    assert np.abs(deep - invert(thin)).mean() < 0.01 < np.abs(shallow - invert(thin)).mean()


@pytest.mark.parametrize("method", ["cvt2pos", "density"])
def test_a_positive_shows_light_where_the_negative_is_dense_and_without_the_orange_mask(method):
    y, x = np.mgrid[0:1:96j, 0:1:144j]
    scene = (0.5 + 0.4 * np.sin(9 * x) * np.cos(7 * y))[..., None] * np.ones(3)  # grey
    negative = 10 ** -(BASE + 0.2 + 1.2 * scene - BASE.min())
    positive = invert(negative ** (1 / 2.2), method)

    assert positive.dtype == np.float32 and positive.shape == scene.shape
    assert positive.min() >= 0 and positive.max() <= 1
    assert np.corrcoef(positive.mean(axis=-1).ravel(), scene[..., 0].ravel())[0, 1] > 0.97
    channels = positive.mean(axis=(0, 1))
    assert channels.max() - channels.min() < 0.06, "a grey scene comes out grey"


@pytest.mark.parametrize("method", ["cvt2pos", "density"])
@pytest.mark.parametrize("value", [0.0, 0.4, 1.0])
def test_a_frame_of_one_plain_colour_inverts_to_numbers(method, value):
    positive = invert(np.full((32, 48, 3), value, np.float32), method)
    assert np.isfinite(positive).all() and positive.min() >= 0 and positive.max() <= 1


def test_an_unknown_inversion_is_named():
    with pytest.raises(ValueError, match="'sepia'"):
        invert(frame(), "sepia")


def test_the_network_sees_the_same_picture_in_8_bits_and_in_16():
    rgb = frame(200, 300)
    eight = network_input(Film(open_scan(png(eight_bit(rgb)))), 64)
    sixteen = network_input(Film(open_scan(tiff(sixteen_bit(rgb)))), 64)
    assert eight.shape == sixteen.shape == (3, 32, 64) and eight.dtype == np.uint8
    assert np.abs(eight.astype(int) - sixteen).max() <= 3
    assert eight.std() > 20


def scan(rgb: np.ndarray) -> Scan:
    return open_scan(png(eight_bit(np.clip(rgb, 0, 1))))


def seen(rgb: np.ndarray) -> np.ndarray:
    return network_input(Film(scan(rgb)), 64).astype(int)


@pytest.mark.parametrize("sides", [(200, 300), (300, 200), (240, 240)])
def test_the_network_sees_the_same_however_a_scan_is_turned(sides):
    rgb = frame(*sides)
    rgb[10:40, 20:90] = 0.9
    usual = seen(rgb)
    assert usual.shape[2] >= usual.shape[1]
    for quarters in (1, 2, 3):
        assert np.abs(seen(np.rot90(rgb, quarters)) - usual).max() <= 1


def test_the_network_is_blind_to_the_light_and_the_mask_and_the_cameras_contrast_but_not_to_a_thin_negative():
    rgb = frame(200, 300)
    usual = seen(rgb)
    assert np.abs(usual - seen(rgb * np.array([0.6, 0.9, 0.75]))).mean() < 1.5
    assert np.abs(usual - seen(rgb ** np.array([0.8, 1.0, 1.25]))).mean() < 1.5
    assert seen(rgb**0.05).std() < 0.5 * usual.std()


def test_the_network_measures_the_film_and_not_its_holder():
    rgb = frame(256, 256)
    held = np.concatenate([rgb, np.full((256, 64, 3), 0.001)], axis=1)
    alone, beside = seen(rgb), seen(held)
    assert beside[:, :, -8:].min() > 250
    film = beside[:, :, :48]
    assert film.std() == pytest.approx(alone.std(), rel=0.1)
    assert film.mean((1, 2)) == pytest.approx(alone.mean((1, 2)), abs=3)

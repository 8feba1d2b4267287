"""The same film gives the same measurements, whatever light and colours its file holds."""

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from darkroom.film.evidence import measure
from darkroom.film.export import save_positive
from darkroom.film.film import Film, network_input
from darkroom.film.inversion import invert
from darkroom.film.scan import open_scan
from film import drawn, eight_bit, png, sixteen_bit, write
from test_files import pages

CODED = np.clip((10 ** -drawn(3).clip(0)) ** (1 / 2.2), 0, 1)
LINEAR = CODED**2.2
SRGB, ADOBE = imagecodecs.cms_profile("srgb"), imagecodecs.cms_profile("adobergb")
CURVE = b"curv\0\0\0\0\0\0\0\1"  # and a gamma in 1/256
LINEAR_PROFILE = ADOBE.replace(CURVE + b"\2\x33", CURVE + b"\1\0")


def density(data: bytes, **options) -> np.ndarray:
    return Film(open_scan(data, "scan.tif", **options)).density


def tif(rgb: np.ndarray, **options) -> bytes:
    return pages((sixteen_bit(rgb), options))


def test_a_dark_linear_scan_without_a_profile_is_the_same_film():
    for exposure in (0.5, 0.03):
        dark = tif(exposure * LINEAR)
        assert open_scan(dark).linear
        assert np.abs(density(dark) + np.log10(exposure) - density(tif(CODED))).max() < 0.05
        assert measure(Film(open_scan(dark))).clipped == 0
        seen = [network_input(Film(open_scan(data)), 64).astype(int) for data in (dark, tif(CODED))]
        assert np.abs(seen[0] - seen[1]).max() <= 3


def test_what_is_said_of_the_light_counts_more_than_the_rule():
    dark = tif(np.maximum(0.3 * LINEAR, 0.01))
    np.testing.assert_allclose(density(dark, light="coded"), 2.2 * density(dark, light="linear"), atol=2e-3)
    with pytest.raises(ValueError, match="unknown light 'bright'"):
        assert open_scan(dark, light="bright").linear


def test_a_profile_says_how_light_is_coded_and_in_which_primaries():
    other = imagecodecs.cms_transform(
        CODED.astype(np.float32), SRGB, ADOBE, colorspace="rgb", outcolorspace="rgb", outdtype="f4"
    )
    expected = density(tif(CODED))
    assert np.abs(other - CODED).max() > 0.02
    assert np.abs(density(tif(other.clip(0, 1), iccprofile=ADOBE)) - expected).max() < 0.02
    linear = imagecodecs.cms_transform(
        CODED.astype(np.float32), SRGB, LINEAR_PROFILE, colorspace="rgb", outcolorspace="rgb", outdtype="f4"
    )
    assert np.abs(density(tif(linear.clip(0, 1), iccprofile=LINEAR_PROFILE)) - expected).max() < 0.02
    np.testing.assert_array_equal(density(tif(CODED, iccprofile=SRGB)), expected)


def test_dark_eight_bit_and_clipped_files_are_taken_as_they_are():
    assert not open_scan(png(eight_bit(0.1 * CODED))).linear
    bright = np.where(CODED > np.median(CODED), 1, CODED)
    assert measure(Film(open_scan(tif(bright)))).clipped > 0.2


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_the_profile_of_a_grey_or_cmyk_file_is_not_put_into_the_positive(tmp_path, mode):
    profile = bytearray(imagecodecs.cms_profile("gray"))
    profile[16:20] = {"L": b"GRAY", "CMYK": b"CMYK"}[mode]
    path = write(tmp_path, "source.jpg", b"")
    Image.fromarray(eight_bit(CODED)).convert(mode).save(path, icc_profile=bytes(profile))
    for suffix in (".jpg", ".tif"):
        with Image.open(save_positive(path, tmp_path, suffix)) as positive:
            assert positive.mode == "RGB" and "icc_profile" not in positive.info


@pytest.mark.parametrize("white", [1023, 4095, 16383, 4095 << 4, 65535])
def test_what_is_clipped_is_judged_at_the_files_own_white(white):
    """Scanners put their 10, 12 or 14 bits at the lower or the upper end of 16."""
    stored = np.rint(CODED.clip(0, 0.9) * white).astype(np.uint16)
    clipped = np.where(CODED > np.median(CODED), white, stored).astype(np.uint16)
    for light in ("linear", "coded"):
        assert measure(Film(open_scan(pages((stored, {})), light=light))).clipped == 0
        assert measure(Film(open_scan(pages((clipped, {})), light=light))).clipped > 0.2


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_a_positive_is_made_of_the_light_that_was_said_and_has_no_profile_that_says_otherwise(tmp_path, suffix):
    path = write(tmp_path, "linear.tif", tif(np.clip(LINEAR, 0.01, 1), iccprofile=LINEAR_PROFILE))
    for light, profile in (("auto", LINEAR_PROFILE), ("linear", None), ("coded", None)):
        written = save_positive(path, tmp_path / light, suffix, light=light)
        with Image.open(written) as positive:
            assert positive.info.get("icc_profile") == profile
        expected = invert(open_scan(path, light=light).rgb)
        assert np.abs(open_scan(written, light="coded").rgb - expected).mean() < 0.01
    pictures = [open_scan(tmp_path / light / f"linear-positive{suffix}").pixels for light in ("linear", "coded")]
    assert np.abs(pictures[0].astype(float) - pictures[1]).mean() > 0.02 * np.iinfo(pictures[0].dtype).max


def test_black_is_as_dense_in_sixteen_bits_as_in_eight():
    rgb = eight_bit(CODED)
    rgb[: len(rgb) // 6] = 0
    eight, sixteen = (Film(open_scan(pages((pixels, {})), "scan.tif")) for pixels in (rgb, rgb.astype(np.uint16) * 257))
    np.testing.assert_allclose(sixteen.density, eight.density, atol=1e-4)
    assert sixteen.span == pytest.approx(eight.span, abs=1e-4)
    assert np.abs(network_input(sixteen, 64).astype(int) - network_input(eight, 64)).max() <= 1


def test_the_darkest_density_that_is_measured_follows_the_files_depth_and_light():
    exposure = 0.01
    dark, expected = density(tif(exposure * CODED), light="coded"), density(tif(CODED))
    assert expected.max() - 2.2 * np.log10(exposure) > 2.2 * np.log10(512)  # denser than eight bits can show
    assert np.abs(dark + 2.2 * np.log10(exposure) - expected).max() < 0.05
    assert density(png(eight_bit(exposure * CODED))).max() == pytest.approx(2.2 * np.log10(512))

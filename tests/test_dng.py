"""Raws as scanner programs and phones write them: a DNG opens in its colours however it is packed."""

import io
import struct

import numpy as np
import pytest
import tifffile

from darkroom.files import limits, small
from darkroom.film.scan import open_scan
from film import eight_bit, frame, png, sixteen_bit
from test_files import pages

RGB = frame()
LOW, DEEP = eight_bit(RGB), sixteen_bit(RGB)
WITH_INFRARED = np.concatenate([DEEP, np.full_like(DEEP[..., :1], 45_000)], -1)
CAMERA = [1.5, -0.3, -0.2, -0.4, 1.3, 0.1, 0.0, 0.1, 0.7]  # XYZ to camera, row by row


def dng(pixels: np.ndarray, *, white: int = 65535, byteorder: str = "<", bigtiff: bool = False, **options) -> bytes:
    """A scanner's DNG: a thumbnail first, then linear light in as many samples or planes as `pixels` has."""
    planes = pixels.ndim == 3 and pixels.shape[0] < 5
    samples = 1 if pixels.ndim == 2 else pixels.shape[0 if planes else -1]
    matrix = np.resize(np.array(CAMERA), 3 * samples)
    rational = tuple(number for value in matrix for number in (round(value * 1e4), 10_000))
    head = [(50706, "B", 4, (1, 4, 0, 0), True), (50708, "s", 0, "Scanner", True)]
    head += [
        (50721, "2i", 3 * samples, rational, True),
        (50728, "2I", samples, (1, 1) * samples, True),
    ] * (samples > 1)
    out = io.BytesIO()
    with tifffile.TiffWriter(out, byteorder=byteorder, bigtiff=bigtiff) as tiff:
        options = {"photometric": "linear_raw" if samples > 1 else "minisblack", "metadata": None, **options}
        if pixels.ndim == 3:
            options["planarconfig"] = "separate" if planes else "contig"
        tiff.write(LOW[::4, ::4], photometric="rgb", subfiletype=1, subifds=1, extratags=head, metadata=None)
        tiff.write(pixels, subfiletype=0, extratags=[(50717, "H", samples, (white,) * samples, True)], **options)
    grey, linear = (struct.pack("<HHII", 262, 3, 1, kind) for kind in (1, 34892))
    return out.getvalue().replace(grey, linear)  # tifffile writes no grey one


def test_what_follows_red_green_and_blue_in_a_scanners_dng_is_left_out():
    plain, mixed = open_scan(dng(DEEP), "hdri.dng"), open_scan(dng(WITH_INFRARED), "rgbi.dng")
    assert plain.format == mixed.format == "RAW"
    np.testing.assert_array_equal(mixed.pixels, plain.pixels)


def test_a_raw_is_known_by_what_is_in_it_and_a_tiff_too():
    np.testing.assert_array_equal(open_scan(dng(DEEP), "raw.tif").pixels, open_scan(dng(DEEP), "raw.dng").pixels)
    for name in ("scan.dng", "scan.nef", "scan.3fr", "scan.fff"):
        np.testing.assert_array_equal(open_scan(pages((DEEP, {})), name).pixels, DEEP)
    np.testing.assert_array_equal(open_scan(png(LOW), "scan.dng").pixels, LOW)


def test_a_grey_dng_opens_as_grey():
    pixels = open_scan(dng(DEEP[..., 1]), "grey.dng").pixels
    assert pixels.shape == DEEP.shape and (pixels == pixels[..., :1]).all() and pixels.std() > 1000


def test_a_dng_packed_as_jpeg_xl_opens_as_the_same_unpacked():
    packed = open_scan(dng(DEEP, compression="jpegxl_dng", compressionargs={"lossless": True}, tile=(48, 48)), "x.dng")
    np.testing.assert_array_equal(packed.pixels, open_scan(dng(DEEP), "x.dng").pixels)


@pytest.mark.parametrize("packing", ["zlib", "lzw", "packbits", "zstd", "jpeg"])
@pytest.mark.parametrize("pixels", [DEEP[..., 1], DEEP, WITH_INFRARED], ids=["grey", "RGB", "RGB and infrared"])
def test_a_dng_packed_as_a_tiff_opens_as_the_same_unpacked(pixels, packing):
    lossless = {"bitspersample": 16, "lossless": True} if packing == "jpeg" else None
    plain = open_scan(dng(pixels[..., :3] if pixels.ndim == 3 else pixels), "x.dng")
    packed = open_scan(dng(pixels, compression=packing, compressionargs=lossless), "x.dng")
    np.testing.assert_array_equal(packed.pixels, plain.pixels)


def test_a_grey_dng_packed_as_jpeg_xl_opens():
    lossless = {"compression": "jpegxl_dng", "compressionargs": {"lossless": True}}
    packed, plain = open_scan(dng(DEEP[..., 1], **lossless), "x.dng"), open_scan(dng(DEEP[..., 1]), "x.dng")
    np.testing.assert_array_equal(packed.pixels, plain.pixels)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True], ids=["TIFF", "BigTIFF"])
def test_a_dng_of_planes_one_after_another_opens_in_any_byte_order(order, big):
    planes = np.ascontiguousarray(np.moveaxis(WITH_INFRARED, -1, 0))
    expected = open_scan(dng(DEEP), "x.dng").pixels
    for pixels in (planes[:3], planes):
        np.testing.assert_array_equal(open_scan(dng(pixels, byteorder=order, bigtiff=big), "x.dng").pixels, expected)


def test_twelve_bits_with_infrared_are_as_bright_as_they_say():
    plain = open_scan(dng(DEEP), "x.dng")
    packed = open_scan(dng(WITH_INFRARED >> 4, white=4095, bitspersample=12), "x.dng")
    assert np.abs(packed.pixels.astype(int) - plain.pixels).mean() < 40


@pytest.mark.parametrize("samples", [3, 4], ids=["RGB", "with infrared"])
def test_a_large_scanners_dng_is_reduced_before_it_is_developed(samples, monkeypatch):
    monkeypatch.setattr(small, "SMALL", (30, 20))
    monkeypatch.setattr(limits, "MOST_MEMORY", 3 * DEEP.nbytes)  # as it is it would take that many times its size
    scan = open_scan(dng(WITH_INFRARED[..., :samples]), "scan.dng")
    monkeypatch.undo()
    whole = open_scan(dng(DEEP), "scan.dng").pixels
    blocks = whole.reshape(24, 4, 36, 4, 3).mean((1, 3))
    assert scan.small_pixels.shape == (24, 36, 3)
    ratio = scan.small_pixels / blocks  # LibRaw makes the brightest pixel white
    assert ratio.std() < 0.01 and abs(ratio.mean() - 1) < 0.05

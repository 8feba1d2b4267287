"""Infrared is read from wherever a scanner program puts it in a file, and nothing else is taken for it."""

import io

import numpy as np
import pytest
import tifffile

from darkroom.files import limits, small
from darkroom.film.film import Film
from darkroom.film.scan import Scan, open_scan
from darkroom.film.surface import surface
from film import png
from infrared import (
    DEEP,
    DEEP_DUSTY,
    DUSTY,
    FILES,
    HEIGHT,
    LOW,
    PAGE,
    RGB,
    WIDTH,
    called_mask,
    infrared,
    specks,
    tiff,
    with_infrared,
)
from test_files import pages


@pytest.mark.parametrize("kind", FILES)
def test_infrared_is_read_as_the_file_has_it_and_the_picture_stays_as_it_is(kind):
    scan = open_scan(FILES[kind], "scan")
    assert scan.infrared.shape == (HEIGHT, WIDTH) and scan.infrared.dtype == np.float32
    np.testing.assert_allclose(scan.infrared, DUSTY, atol=0.6 / 255 if "8 bits" in kind else 1e-4)
    assert scan.pixels.shape == RGB.shape and scan.frames == 1 and not scan.infrared_note
    if "DNG" not in kind:
        np.testing.assert_array_equal(scan.pixels, LOW if "8 bits" in kind else DEEP)


def test_a_second_image_of_a_dng_is_its_infrared():
    """As SilverFast writes HDRi: below a thumbnail the picture, then a grey one that is called a mask."""
    out, sub = io.BytesIO(), {"metadata": None, "contiguous": False}
    matrix = tuple(n for v in (1.5, -0.3, -0.2, -0.4, 1.3, 0.1, 0.0, 0.1, 0.7) for n in (round(v * 1e4), 10_000))
    head = [(50706, "B", 4, (1, 4, 0, 0), True), (50708, "s", 0, "Scanner", True)]
    head += [(50721, "2i", 9, matrix, True), (50728, "2I", 3, (1, 1) * 3, True)]
    with tifffile.TiffWriter(out) as file:
        file.write(LOW[::4, ::4], photometric="rgb", subfiletype=1, subifds=2, extratags=head, metadata=None)
        white = [(50717, "H", 3, (65535,) * 3, True)]
        file.write(DEEP, photometric="linear_raw", subfiletype=0, extratags=white, **sub)
        file.write(DEEP_DUSTY, photometric="minisblack", **PAGE, **sub)
    scan = open_scan(called_mask(out.getvalue()), "hdri.dng")
    assert scan.format == "RAW"
    np.testing.assert_allclose(scan.infrared, DUSTY, atol=1e-4)


@pytest.mark.parametrize(
    "data",
    [
        tiff(with_infrared(DEEP, DUSTY), extrasamples=["unassalpha"]),
        tiff(with_infrared(DEEP, DUSTY), extrasamples=["assocalpha"]),
        tiff(with_infrared(LOW, np.ones(RGB.shape[:2]))),  # opaque everywhere
        tiff(with_infrared(LOW, specks().astype(float))),  # a selection
        png(with_infrared(LOW, DUSTY)),
        png(LOW),
        pages((DEEP, {})),
        pages((DEEP, {}), (DEEP_DUSTY[::4, ::4], {})),
        pages((DEEP, {}), (DEEP_DUSTY[:, ::2], {})),  # of other proportions
        pages((DEEP_DUSTY, {}), (DEEP_DUSTY, {})),  # two grey frames
        pages((np.concatenate([DEEP, DEEP[..., :1]], -1), {"photometric": "separated"})),
    ],
    ids="alpha|premultiplied|opaque|selection|RGBA|RGB|one page|thumbnail|half as wide|grey|CMYK".split("|"),
)
def test_what_is_no_infrared_is_not_taken_for_it(data):
    scan = open_scan(data, "scan")
    assert scan.infrared is None
    assert surface(Film(scan)) is None


def test_each_frame_of_a_file_has_its_own_infrared():
    planes = [np.rint(infrared(specks(seed)) * 65535).astype(np.uint16) for seed in (1, 2)]
    other = np.ascontiguousarray(DEEP[:, ::-1])
    for file in (
        pages((DEEP, {}), (planes[0], {}), (other, {}), (planes[1], {})),
        pages((DEEP, {}), (other, {}), (planes[0], {}), (planes[1], {})),
    ):
        for number, plane in enumerate(planes):
            found = open_scan(file, "roll.tif", number=number).infrared
            assert np.corrcoef(found.ravel(), plane.ravel())[0, 1] > 0.9
    only_one = pages((DEEP, {}), (other, {}), (planes[1], {}))
    assert open_scan(only_one, "roll.tif", number=0).infrared is None
    assert open_scan(only_one, "roll.tif", number=1).infrared is not None


def test_an_infrared_page_lies_as_its_picture_is_turned():
    turned = {"extratags": [(274, "H", 1, 6, True)]}
    scan = open_scan(pages((DEEP, turned), (DEEP_DUSTY, {})), "turned.tif")
    assert scan.small.shape[:2] == (WIDTH, HEIGHT)
    np.testing.assert_allclose(scan.infrared, np.rot90(DUSTY, 3), atol=1e-4)


def test_a_broken_page_of_infrared_costs_the_picture_nothing():
    data = bytearray(pages((DEEP, {}), (DEEP_DUSTY, {"compression": "zlib"})))
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        at = file.pages[1].dataoffsets[0]
    data[at : at + 200] = bytes(200)
    scan = open_scan(bytes(data), "scan.tif")
    np.testing.assert_array_equal(scan.pixels, DEEP)
    assert scan.infrared is None and scan.infrared_note == "The infrared could not be read: it is broken."


def test_infrared_of_a_large_scan_is_reduced_with_its_picture_in_bounded_memory(monkeypatch):
    monkeypatch.setattr(small, "SMALL", (96, 64))
    monkeypatch.setattr(small, "PART", 5000)
    monkeypatch.setattr("darkroom.files.tiff_strips.PART", 5000)
    monkeypatch.setattr(limits, "MOST_MEMORY", DEEP.nbytes)
    for kind in ("fourth sample, 16 bits", "tiles", "fourth plane", "second page"):
        scan: Scan = open_scan(FILES[kind], "large.tif")
        blocks = DUSTY[: HEIGHT // 4 * 4, : WIDTH // 4 * 4].reshape(HEIGHT // 4, 4, WIDTH // 4, 4).mean((1, 3))
        assert scan.infrared.shape == scan.small.shape[:2] == (85, 128)
        np.testing.assert_allclose(scan.infrared[:85, :127], blocks, atol=1e-4)

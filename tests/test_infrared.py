"""Infrared, wherever a scanner program puts it, is laid on its picture, and shows what lies on the film."""

import io
import struct
import zipfile

import numpy as np
import pytest
import tifffile
from PIL import Image
from scipy.ndimage import gaussian_filter, map_coordinates

from darkroom.files import limits, small
from darkroom.files.alignment import Placement, placement, warped
from darkroom.files.archive import FrameSource, frames_in_uploads
from darkroom.files.pairs import paired
from darkroom.film.film import Film
from darkroom.film.scan import Scan, open_scan
from darkroom.film.surface import DUST, HOLE, Surface, surface, surface_map
from darkroom.judge.verdict import Judge
from film import eight_bit, frame, png, sixteen_bit
from test_dng import dng
from test_files import pages

HEIGHT, WIDTH = 340, 510
RGB = frame(HEIGHT, WIDTH, seed=3)
LOW, DEEP = eight_bit(RGB), sixteen_bit(RGB)
CLEAN, DEEPER = 0.65, 0.15  # of the range: what film passes; density of dust
UNSAID = {"extrasamples": ["unspecified"]}


def specks(seed: int = 0, count: int = 40, side: int = 4) -> np.ndarray:
    """(HEIGHT, WIDTH) bool: squares of dust, none at the border, and a scratch."""
    rng = np.random.default_rng(seed)
    marked = np.zeros((HEIGHT, WIDTH), bool)
    for y, x in zip(rng.integers(20, HEIGHT - 20, count), rng.integers(20, WIDTH - 20, count), strict=True):
        marked[y : y + side, x : x + side] = True
    marked[150:280, 60:62] = True
    return marked


def infrared(dust: np.ndarray | None = None, holes: np.ndarray | None = None, seed: int = 1) -> np.ndarray:
    """What a scanner sees of the film of `RGB` in infrared, 0…1: noise, a little of the picture, dust, holes."""
    rng = np.random.default_rng(seed)
    density = 0.03 * gaussian_filter(-np.log10(RGB[..., 0]), 2) + rng.normal(0, 0.002, RGB.shape[:2])
    if dust is not None:
        density = density + DEEPER * dust
    if holes is not None:
        density = density - 0.05 * holes
    return CLEAN * 10**-density


def with_infrared(rgb: np.ndarray, plane: np.ndarray) -> np.ndarray:
    full = np.iinfo(rgb.dtype).max
    return np.concatenate([rgb, np.rint(plane * full).astype(rgb.dtype)[..., None]], -1)


def tiff(pixels: np.ndarray, **options) -> bytes:
    return pages((pixels, UNSAID | options))


def shares(data: bytes, name: str = "scan.tif") -> Surface:
    return surface(Film(open_scan(data, name)))


def called_mask(data: bytes) -> bytes:
    """A file whose last page is called a mask, as SilverFast calls the infrared; tifffile writes no such one."""
    page, mask = (struct.pack("<HHII", 254, 4, 1, kind) for kind in (2, 4))
    assert data.count(page) == 1
    return data.replace(page, mask)


PAGE = {"subfiletype": 2}
DUSTY = infrared(specks())
SHARE = specks().mean()
DEEP_DUSTY = np.rint(DUSTY * 65535).astype(np.uint16)
FILES = {
    "fourth sample, 16 bits": tiff(with_infrared(DEEP, DUSTY)),
    "fourth sample, 8 bits": tiff(with_infrared(LOW, DUSTY)),
    "fourth sample of which nothing is said, packed": tiff(
        with_infrared(DEEP, DUSTY), compression="lzw", predictor=True, rowsperstrip=7
    ),
    "fourth plane": tiff(np.ascontiguousarray(np.moveaxis(with_infrared(DEEP, DUSTY), -1, 0)), planarconfig="separate"),
    "tiles": tiff(with_infrared(DEEP, DUSTY), compression="zlib", tile=(64, 64)),
    "second page": pages((DEEP, {}), (DEEP_DUSTY, {})),
    "third page, behind a thumbnail": called_mask(pages((DEEP, {}), (LOW[::4, ::4], {}), (DEEP_DUSTY, PAGE))),
    "DNG of four samples": dng(with_infrared(DEEP, DUSTY)),
    "DNG of four planes": dng(np.ascontiguousarray(np.moveaxis(with_infrared(DEEP, DUSTY), -1, 0))),
}


@pytest.mark.parametrize("kind", FILES)
def test_infrared_is_read_as_the_file_has_it_and_the_picture_stays_as_it_is(kind):
    scan = open_scan(FILES[kind], "scan")
    assert scan.infrared.shape == (HEIGHT, WIDTH) and scan.infrared.dtype == np.float32
    np.testing.assert_allclose(scan.infrared, DUSTY, atol=0.6 / 255 if "8 bits" in kind else 1e-4)
    assert scan.pixels.shape == RGB.shape and scan.frames == 1 and not scan.infrared_note
    if "DNG" not in kind:
        np.testing.assert_array_equal(scan.pixels, LOW if "8 bits" in kind else DEEP)


@pytest.mark.parametrize("kind", FILES)
def test_the_share_of_dust_is_that_which_lies_on_the_film(kind):
    found = shares(FILES[kind], "scan")
    assert found.dust == pytest.approx(SHARE, rel=0.1)
    assert found.holes == 0


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


@pytest.mark.parametrize("name", ["scan_IR.tif", "scan_ir.tiff", "scan_IR.TIF"])
def test_a_file_beside_the_picture_is_its_infrared(name, tmp_path):
    (tmp_path / "scan.jpg").write_bytes(saved(LOW))
    (tmp_path / name).write_bytes(pages((DEEP_DUSTY, {})))
    found = surface(Film(open_scan(tmp_path / "scan.jpg")))
    assert found.dust == pytest.approx(SHARE, rel=0.1)
    assert open_scan(tmp_path / name).infrared is None


def saved(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=95)
    return out.getvalue()


def test_in_a_roll_an_infrared_file_goes_with_its_picture_and_is_no_frame(tmp_path):
    uploads = []
    for folder, name, data in (
        ("1", "a_IR.tif", pages((DEEP_DUSTY, {}))),
        ("2", "a.jpg", saved(LOW)),
        ("3", "b.jpg", saved(LOW)),
        ("4", "c_IR.tif", pages((DEEP_DUSTY, {}))),
    ):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_bytes(data)
        uploads.append(tmp_path / folder / name)
    with zipfile.ZipFile(tmp_path / "roll.zip", "w") as archive:
        archive.writestr("one/a.tif", pages((DEEP, {})))
        archive.writestr("two/a_ir.tif", pages((DEEP_DUSTY, {})))
        archive.writestr("one/A_IR.TIF", pages((DEEP_DUSTY, {})))
    found = frames_in_uploads([*uploads, tmp_path / "roll.zip"], tmp_path / "out")
    own = {each.name: each.infrared and each.infrared.name for each in found}
    assert own == {"a.jpg": "a_IR.tif", "b.jpg": None, "c_IR.tif": None, "one/a.tif": "A_IR.TIF", "two/a_ir.tif": None}
    for each in found[:1] + found[3:4]:
        scan = open_scan(each.path, each.name, infrared=each.infrared)
        assert surface(Film(scan)).dust == pytest.approx(SHARE, rel=0.1)


def test_of_files_that_are_called_the_same_each_has_its_own(tmp_path):
    entries = [
        FrameSource(name, tmp_path / str(i)) for i, name in enumerate(["a.tif", "a_IR.tif", "a.tif", "a_IR.tif"])
    ]
    assert [entry.infrared.name for entry in paired(entries)] == ["1", "3"]
    unopened = [FrameSource("a.tif", tmp_path / "a"), FrameSource("a_IR.tif", None, "a_IR.tif: broken; pack it again")]
    assert paired(unopened) == unopened


def test_infrared_that_cannot_be_used_is_said_and_the_frame_is_judged_all_the_same(tmp_path):
    (tmp_path / "scan.jpg").write_bytes(saved(LOW))
    for data, words in (
        (b"II*\0 nothing", "could not be read: scan_IR.tif"),
        (pages((DEEP_DUSTY[:, ::2], {})), "was left out: it has other proportions"),
        (pages((np.where(specks(), 0, 65535).astype(np.uint16), {})), "nearly all of it is black or white"),
    ):
        (tmp_path / "scan_IR.tif").write_bytes(data)
        scan = open_scan(tmp_path / "scan.jpg")
        assert scan.infrared is None and words in scan.infrared_note
        assert surface(Film(scan)) is None


def test_a_broken_page_of_infrared_costs_the_picture_nothing():
    data = bytearray(pages((DEEP, {}), (DEEP_DUSTY, {"compression": "zlib"})))
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        at = file.pages[1].dataoffsets[0]
    data[at : at + 200] = bytes(200)
    scan = open_scan(bytes(data), "scan.tif")
    np.testing.assert_array_equal(scan.pixels, DEEP)
    assert scan.infrared is None and scan.infrared_note == "The infrared could not be read: it is broken."


SHIFTS = [(0, 0, 0), (5.4, -0.3, 0), (-9, 6.5, 0), (2, 3, 0.006), (0, 0, -0.01)]


def moved(plane: np.ndarray, down: float, right: float, scale: float) -> np.ndarray:
    """A plane as a lens that focuses elsewhere draws it, by the rule of `Placement`."""
    y, x = np.mgrid[0 : plane.shape[0], 0 : plane.shape[1]].astype(float)
    middle_y, middle_x = (plane.shape[0] - 1) / 2, (plane.shape[1] - 1) / 2
    from_y = (y - middle_y - down) / (1 + scale) + middle_y
    from_x = (x - middle_x - right) / (1 + scale) + middle_x
    return map_coordinates(plane, [from_y, from_x], order=1, mode="mirror")


@pytest.fixture(scope="module")
def dusty_picture() -> np.ndarray:
    """`RGB` with leaves that give it edges, and the dust, which stops light too."""
    leaves = np.random.default_rng(5).uniform(-0.15, 0.15, (HEIGHT // 10, WIDTH // 10)).repeat(10, 0).repeat(10, 1)
    density = -np.log10(RGB) + 0.4 * gaussian_filter(leaves, 1)[..., None]
    return 10 ** -(density + 0.2 * specks()[..., None])


@pytest.mark.parametrize("shift", SHIFTS, ids=str)
def test_a_shift_and_a_scale_of_the_infrared_are_found_and_undone(shift, dusty_picture):
    place = placement(
        -np.log10(dusty_picture).mean(-1).astype(np.float32),
        -np.log10(moved(DUSTY, *shift)).astype(np.float32),
    )
    if any(shift):
        assert place.down == pytest.approx(shift[0], abs=0.3) and place.right == pytest.approx(shift[1], abs=0.3)
        assert place.scale == pytest.approx(shift[2], abs=0.0015)
    scan = open_scan(tiff(with_infrared(sixteen_bit(dusty_picture), moved(DUSTY, *shift))), "moved.tif")
    dust = surface_map(Film(scan)) == DUST
    assert (dust & specks()).sum() > 0.75 * specks().sum()
    assert dust.mean() == pytest.approx(SHARE, rel=0.2)


def test_pictures_that_have_nothing_in_common_stay_where_they_are():
    noise = np.random.default_rng(0).normal(0, 1, (2, HEIGHT, WIDTH)).astype(np.float32)
    assert placement(*noise) is None
    even = np.full((HEIGHT, WIDTH), 0.5, np.float32)
    assert placement(even, even) is None and placement(even[:20, :], even[:20, :]) is None


def test_what_was_laid_comes_from_where_its_placement_says():
    plane = np.zeros((41, 61), np.float32)
    plane[30, 40] = 1  # 10 below and right of the centre
    np.testing.assert_array_equal(np.argwhere(warped(plane, Placement(2, -3, 0.0))), [[28, 43]])
    assert warped(plane, Placement(0, 0, 0.25))[28, 38] == pytest.approx(1)


def test_holes_are_distinguished_from_dust():
    hole = np.zeros((HEIGHT, WIDTH), bool)
    hole[100:108, 300:310] = True
    film = Film(open_scan(tiff(with_infrared(DEEP, infrared(specks(), hole))), "holed.tif"))
    marks = surface_map(film)
    np.testing.assert_array_equal(marks == HOLE, hole)
    found = surface(film)
    assert found.holes == pytest.approx(hole.mean(), rel=0.05) and found.dust == pytest.approx(SHARE, rel=0.1)
    assert "light comes through 0.05% of the frame" in found.sentence


def test_clean_film_has_no_dust_however_noisy_its_infrared():
    for noise in (0.0, 0.002, 0.02):
        plane = CLEAN * 10 ** np.random.default_rng(0).normal(0, noise, RGB.shape[:2])
        plane[0, 0] += 0.01  # else it would be one value
        found = shares(tiff(with_infrared(DEEP, plane)))
        assert found.dust < 0.0001 and found.holes < 0.0001 and found.sentence == ""


def test_of_film_whose_infrared_shows_the_picture_nothing_is_said():
    silver = 10 ** np.log10(RGB).mean(-1)
    scan = open_scan(tiff(with_infrared(DEEP, silver)), "silver.tif")
    assert scan.infrared is not None and surface(Film(scan)) is None


def test_a_holder_and_its_edge_are_no_dust():
    mounted, plane = DEEP.copy(), DUSTY.copy()
    for each in (mounted, plane):
        each[:30] = each[:, :40] = 0
    found = shares(tiff(with_infrared(mounted, plane)))
    left = specks()[34:, 44:]
    assert found.dust == pytest.approx(left.mean(), rel=0.15)


def test_a_verdict_says_what_infrared_shows_and_weighs_nothing_of_it(weights):
    from darkroom.judge.verdict import load

    judge: Judge = load(weights)
    with_it, without = (judge.judge(open_scan(data, "a.tif")) for data in (FILES["second page"], pages((DEEP, {}))))
    assert with_it.p_normal == without.p_normal and with_it.verdict == without.verdict
    assert with_it.reason == without.reason and with_it.defects == without.defects
    assert with_it.explanation.startswith(with_it.reason) and "dust and scratches cover" in with_it.explanation
    assert ("Dust and scratches in infrared", f"{with_it.surface.dust:.1%} of the frame", False) in with_it.lines()
    assert with_it.row()["infrared_dust"] == with_it.surface.dust and with_it.row()["infrared_holes"] == 0
    assert with_it.at_prior(0.9).surface == with_it.surface
    assert without.surface is None and without.row()["infrared_dust"] is None and without.explanation == without.reason
    assert without.lines() == without.evidence.lines()


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

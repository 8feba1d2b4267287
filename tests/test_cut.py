"""A picture of several frames becomes scans of their own, straightened, with all that their file says of them."""

import io
from functools import cache

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from darkroom.files.light import CODED_GAMMA
from darkroom.film.export import write_positive
from darkroom.film.scan import open_scan
from darkroom.frames.cut import MOST_BYTES, OutlineError, cut, cut_out, resampled
from simulator.filmstrip import strip

PER_MM = 6
WHOLE = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], float)


@cache
def strip_picture(count: int = 4, seed: int = 1, around: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """A strip on bare light, (H, W, 3) of light in 0…1, and (n, 4, 2) the corners of its frames in pixels."""
    film = strip("35 mm", count, PER_MM, [], np.random.default_rng(seed))
    canvas = np.zeros((film.density.shape[0] + 2 * around, film.density.shape[1] + 2 * around, 3), np.float32)
    canvas[around:-around, around:-around] = film.density
    return 0.9 * 10**-canvas, film.corners + around


def coded(light: np.ndarray, full: int = 255) -> np.ndarray:
    return np.rint(light ** (1 / CODED_GAMMA) * full).astype(np.uint8 if full == 255 else np.uint16)


def jpeg(pixels: np.ndarray, **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=95, subsampling=0, **options)
    return file.getvalue()


def tiff(*pages: np.ndarray) -> bytes:
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as written:
        for page in pages:
            written.write(page, photometric="rgb", metadata=None, contiguous=False)
    return file.getvalue()


def test_a_strip_becomes_its_frames_in_their_order_straight_and_named():
    light, corners = strip_picture(4)
    frames = cut(open_scan(jpeg(coded(light)), "strip.jpg"))
    assert [frame.name for frame in frames] == [f"strip.jpg#{n}" for n in (1, 2, 3, 4)]
    for frame, box in zip(frames, corners, strict=True):
        (left, top), (right, bottom) = box.min(axis=0), box.max(axis=0)
        truth = coded(light[int(top) : int(bottom), int(left) : int(right)])
        size = frame.pixels.shape[1::-1]
        assert np.abs(np.array(size) / (right - left, bottom - top) - 1).max() < 0.05
        same = np.asarray(Image.fromarray(truth).resize((48, 32), Image.Resampling.BOX)).astype(float)
        mine = np.asarray(Image.fromarray(frame.pixels).resize((48, 32), Image.Resampling.BOX)).astype(float)
        assert np.corrcoef(same.ravel(), mine.ravel())[0, 1] > 0.9


def test_what_is_cut_has_the_detail_of_a_frame_that_was_photographed_alone():
    light, _ = strip_picture(4)
    large = np.asarray(Image.fromarray(coded(light)).resize((6000, round(6000 * light.shape[0] / light.shape[1]))))
    scan = open_scan(jpeg(large), "strip.jpg")
    frames = cut(scan)
    assert scan.small_pixels.shape[1] <= 3000
    assert all(frame.small_pixels.shape[1] >= 960 for frame in frames)
    assert np.abs(np.subtract(frames[0].pixels.shape, frames[0].small_pixels.shape)).max() <= 1  # this is all there is


def test_depth_light_profile_and_exif_are_those_of_the_file(tmp_path):
    light, _ = strip_picture(3)
    deep = open_scan(tiff(np.rint(light * 4095).astype(np.uint16)), "deep.tif")  # 12 bits, linear
    frames = cut(deep)
    assert len(frames) == 3 and deep.linear
    for frame in frames:
        assert (frame.bits, frame.linear, frame.clipping_points) == (16, True, deep.clipping_points)
        assert frame.rgb.max() < 1 and frame.small.dtype == np.float32
    dark = cut_out(open_scan(tiff(np.rint(light * 65535).astype(np.uint16)), "d.tif", light="coded"), [WHOLE / 4])
    assert not dark[0].linear  # as it was said of the whole
    thin = np.full((400, 600, 3), 30000, np.uint16)
    thin[:, :300] = 3000  # the frame; what lies beside it shows how bright the light is
    whole = open_scan(tiff(thin), "t.tif", light="coded")
    assert cut_out(whole, [WHOLE / 4])[0].darkest == whole.darkest
    exif = Image.Exif()
    exif[271] = "Camera works"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    first = cut(open_scan(jpeg(coded(light), exif=exif, icc_profile=profile), "strip.jpg"))[0]
    write_positive(first, tmp_path / "positive.jpg")
    with Image.open(tmp_path / "positive.jpg") as positive:
        assert positive.getexif()[271] == "Camera works" and positive.info["icc_profile"] == profile
        assert positive.size == first.pixels.shape[1::-1]


def test_a_frame_has_its_part_of_the_infrared():
    light, corners = strip_picture(3)
    infrared = np.full(light.shape[:2], 60000, np.uint16)
    infrared += np.random.default_rng(0).integers(0, 500, infrared.shape, dtype=np.uint16)
    x, y = corners[1].mean(axis=0).astype(int)
    infrared[y - 12 : y + 12, x - 12 : x + 12] = 5000
    four = np.concatenate([coded(light, 65535), infrared[..., None]], axis=-1)
    file = io.BytesIO()
    tifffile.imwrite(file, four, photometric="rgb", extrasamples=["unspecified"], metadata=None)
    frames = cut(open_scan(file.getvalue(), "strip.tif"))
    assert [bool((frame.infrared < 0.3).any()) for frame in frames] == [False, True, False]
    assert frames[1].infrared.shape == frames[1].small.shape[:2] == frames[1].infrared_seen.shape
    row, column = np.argwhere(frames[1].infrared < 0.3).mean(axis=0) / frames[1].infrared.shape
    assert abs(row - 0.5) < 0.05 and abs(column - 0.5) < 0.05


def test_a_strip_on_the_second_page_of_a_file_is_named_after_the_page():
    light, _ = strip_picture(3)
    pixels = coded(light)
    scan = open_scan(tiff(pixels[::-1], pixels), "scan.tif#2", number=1)
    frames = cut(scan)
    assert [frame.name for frame in frames] == ["scan.tif#2#1", "scan.tif#2#2", "scan.tif#2#3"]
    assert (frames[0].number, frames[0].frames) == (1, 2)
    assert np.array_equal(frames[0].pixels, cut(open_scan(tiff(pixels), "alone.tif"))[0].pixels)


def test_an_only_frame_in_a_holder_is_cut_to_its_picture_and_keeps_its_name():
    whole = np.full((360, 500, 3), 3, np.uint8)
    whole[40:320, 60:440] = np.random.default_rng(0).integers(90, 140, (280, 380, 3), dtype=np.uint8)
    (only,) = cut(open_scan(jpeg(whole), "one.jpg"))
    assert (only.name, only.which) == ("one.jpg", 0)
    assert np.abs(np.subtract(only.pixels.shape[:2], (280, 380))).max() <= 8
    assert only.pixels.min() > 20


@pytest.mark.parametrize("kind", ["frame", "page", "grey", "narrow"])
def test_what_is_no_strip_is_left_as_it_is(kind):
    rng = np.random.default_rng(0)
    pixels = {
        "frame": rng.integers(90, 140, (300, 450, 3), dtype=np.uint8),
        "page": np.where(rng.random((400, 300, 1)) < 0.1, 0, 255).astype(np.uint8).repeat(3, axis=2),
        "grey": np.full((200, 300, 3), 128, np.uint8),
        "narrow": rng.integers(0, 255, (30, 200, 3), dtype=np.uint8),
    }[kind]
    scan = open_scan(jpeg(pixels), "one.jpg")
    (only,) = cut(scan)
    assert only is scan


def test_an_outline_is_straightened_by_perspective():
    """A board of squares seen at an angle becomes straight again: its corners lie where they were."""
    board = np.kron(np.indices((6, 9)).sum(axis=0) % 2, np.ones((40, 40)))[..., None].repeat(3, axis=2)
    board = np.rint(20 + 200 * board).astype(np.uint16) * 200
    corners = np.array([(30, 20), (330, 40), (300, 200), (10, 230)], float)
    seen = np.asarray(
        [
            Image.fromarray(board[..., c].astype(np.float32)).transform(
                (360, 240),
                Image.Transform.PERSPECTIVE,
                _inverse(corners, 360, 240),
                Image.Resampling.BICUBIC,
            )
            for c in range(3)
        ]
    ).transpose(1, 2, 0)
    straight = resampled(seen.clip(0, 65535).astype(np.uint16), corners / (360, 240), (240, 360))
    assert straight.dtype == np.uint16
    for row, column in np.ndindex(6, 9):
        middle = straight[40 * row + 20, 40 * column + 20, 0]
        assert abs(int(middle) - int(board[40 * row + 20, 40 * column + 20, 0])) < 4000


def _inverse(corners: np.ndarray, width: int, height: int) -> list[float]:
    """The eight numbers for Pillow of the map that takes the picture to the board."""
    from darkroom.frames.geometry import perspective

    whole = np.append(perspective(corners, width, height), 1).reshape(3, 3)
    back = np.linalg.inv(whole)
    return (back / back[2, 2]).ravel()[:8].tolist()


@pytest.mark.parametrize(
    "polygon",
    [
        [(0.2, 0.2), (0.2, 0.8), (0.8, 0.8), (0.8, 0.2)],  # the other way round
        [(0.2, 0.2), (0.8, 0.8), (0.8, 0.2), (0.2, 0.8)],  # crossed
        [(0.2, 0.2), (0.21, 0.2), (0.21, 0.21), (0.2, 0.21)],  # a point
        [(0.1, 0.1), (0.9, 0.1), (0.5, 0.1), (0.3, 0.1)],  # a line
        [(2, 2), (3, 2), (3, 3), (2, 3)],  # beside the picture
    ],
)
def test_an_outline_that_holds_no_frame_is_refused_in_a_sentence(polygon):
    scan = open_scan(jpeg(np.full((300, 450, 3), 90, np.uint8)), "one.jpg")
    with pytest.raises(OutlineError, match=r"^one.jpg: its outline holds no frame; give four corners"):
        cut_out(scan, [np.array(polygon, float)])


def test_thirty_six_frames_are_cut_within_the_memory_that_is_allowed(monkeypatch):
    asked = []
    pixels = np.random.default_rng(0).integers(60, 200, (1600, 2400, 3), dtype=np.uint8)
    scan = open_scan(jpeg(pixels), "sleeve.jpg")
    boxes = [(WHOLE + np.array((column, row))) / 6 for row in range(6) for column in range(6)]
    from darkroom.frames import cut as module

    def fine(*args: object, small: int, **more: object):
        asked.append(small)
        return scan.small_pixels, "JPEG", {}

    monkeypatch.setattr(module, "decode", fine)
    assert len(cut_out(scan, boxes)) == 36
    assert scan.small_pixels.nbytes * asked[0] ** 2 <= MOST_BYTES

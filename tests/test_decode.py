"""Every picture file a photographer may own opens upright at full depth; every other file gets one clear sentence."""

import io
import struct

import numpy as np
import pillow_heif
import pytest
import tifffile
from PIL import Image

from darkroom.files import decode
from darkroom.files.exif import EXIF_CAMERA, EXIF_ORIENTATION
from darkroom.film.export import save_positive
from darkroom.film.scan import open_scan
from film import chunk, eight_bit, frame, png, sixteen_bit, tiff, write

RGB = frame()
LOW = eight_bit(RGB)
DEEP = sixteen_bit(RGB)
GREY = LOW[..., 1]
ALPHA = np.full((*GREY.shape, 1), 200, np.uint8)


def saved(pixels: np.ndarray | Image.Image, kind: str, **options) -> bytes:
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def as_tiff(pixels: np.ndarray, **options) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, **options)
    return file.getvalue()


def grey(pixels: np.ndarray) -> np.ndarray:
    return np.repeat(pixels.reshape(*pixels.shape[:2], 1), 3, axis=2)


PALETTE = Image.fromarray(LOW).quantize(64)
CMYK = Image.fromarray(LOW).convert("CMYK")
BILEVEL = Image.fromarray(GREY).convert("1")
DEEP_GREY = DEEP[..., :1]
TWELVE = DEEP >> 4
DEEP_ALPHA = np.concatenate([DEEP, np.full_like(DEEP_GREY, 50_000)], axis=2)

# name of the case: (file, what must come out, bits, tolerance in steps of that depth)
FILES = {
    "8-bit JPEG": (saved(LOW, "JPEG", quality=98, subsampling=0), LOW, 8, 14),
    "grey JPEG": (saved(GREY, "JPEG", quality=98), grey(GREY), 8, 14),
    "CMYK JPEG": (saved(CMYK, "JPEG", quality=98), LOW, 8, 20),
    "8-bit PNG": (saved(LOW, "PNG"), LOW, 8, 0),
    "grey PNG": (saved(GREY, "PNG"), grey(GREY), 8, 0),
    "PNG with alpha": (saved(np.concatenate([LOW, ALPHA], axis=2), "PNG"), LOW, 8, 0),
    "grey PNG with alpha": (png(np.stack([GREY, ALPHA[..., 0]], axis=2)), grey(GREY), 8, 0),
    "palette PNG": (saved(PALETTE, "PNG"), np.asarray(PALETTE.convert("RGB")), 8, 0),
    "1-bit PNG": (saved(BILEVEL, "PNG"), grey(np.asarray(BILEVEL) * np.uint8(255)), 8, 0),
    "16-bit PNG": (png(DEEP), DEEP, 16, 0),
    "16-bit PNG with alpha": (png(DEEP_ALPHA), DEEP, 16, 0),
    "16-bit grey PNG": (png(DEEP_GREY), grey(DEEP_GREY), 16, 0),
    "WebP": (saved(LOW, "WEBP", lossless=True), LOW, 8, 0),
    "lossy WebP": (saved(LOW, "WEBP", quality=95), LOW, 8, 30),
    "8-bit TIFF": (tiff(LOW), LOW, 8, 0),
    "grey TIFF": (tiff(GREY[..., None]), grey(GREY), 8, 0),
    "palette TIFF": (saved(PALETTE, "TIFF"), np.asarray(PALETTE.convert("RGB")), 8, 0),
    "CMYK TIFF": (saved(CMYK, "TIFF"), LOW, 8, 1),
    "1-bit TIFF": (saved(BILEVEL, "TIFF"), grey(np.asarray(BILEVEL) * np.uint8(255)), 8, 0),
    "16-bit TIFF": (tiff(DEEP), DEEP, 16, 0),
    "big-endian 16-bit TIFF": (tiff(DEEP, order=">"), DEEP, 16, 0),
    "16-bit TIFF with alpha": (tiff(DEEP_ALPHA), DEEP, 16, 0),
    "16-bit grey TIFF": (tiff(DEEP_GREY), grey(DEEP_GREY), 16, 0),
    "16-bit grey TIFF where white is zero": (tiff(65535 - DEEP_GREY, white_is_zero=True), grey(DEEP_GREY), 16, 0),
    "LZW 16-bit TIFF": (as_tiff(DEEP, compression="lzw", predictor=True), DEEP, 16, 0),
    "deflated tiled 16-bit TIFF": (as_tiff(DEEP, compression="deflate", tile=(32, 32)), DEEP, 16, 0),
    "planar 16-bit TIFF": (
        as_tiff(np.moveaxis(DEEP, 2, 0), photometric="rgb", planarconfig="separate"),
        DEEP,
        16,
        0,
    ),
    "12-bit TIFF": (as_tiff(TWELVE, bitspersample=12, photometric="rgb"), np.rint(TWELVE * (65535 / 4095)), 16, 0),
    "float TIFF": (tiff(RGB.astype(np.float32)), RGB.astype(np.float32), 32, 0),
}


@pytest.mark.parametrize("kind", FILES)
def test_a_file_opens_with_its_pixels_and_its_depth_from_a_path_and_from_bytes(kind, tmp_path):
    data, expected, bits, tolerance = FILES[kind]
    scan = open_scan(write(tmp_path, "frame.picture", data))

    assert scan.bits == bits
    assert scan.format == next(name for name in ("JPEG", "PNG", "TIFF", "WebP") if name in kind).upper()
    assert np.abs(scan.pixels.astype(float) - expected).max() <= tolerance
    full = 1 if bits == 32 else 2**bits - 1
    assert scan.rgb.dtype == np.float32 and scan.rgb.shape == expected.shape
    np.testing.assert_allclose(scan.rgb, expected / full, atol=tolerance / full + 1e-6)
    np.testing.assert_array_equal(open_scan(data).pixels, scan.pixels)


# How a camera held that way stores an upright picture: the inverse of what the EXIF orientation asks for.
STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "16-bit PNG", "WEBP", "TIFF", "16-bit TIFF"])
def test_a_turned_photograph_comes_out_upright(kind, orientation):
    scene = np.full((64, 96, 3), 200, np.uint8)
    scene[:32, :48] = 20  # dark in the upper left, and nowhere else
    image = Image.fromarray(scene)
    image = image.transpose(STORED[orientation]) if STORED[orientation] is not None else image
    deep = np.asarray(image).astype(np.uint16) * 257
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = orientation
    if kind == "16-bit TIFF":
        data = as_tiff(deep, extratags=[(EXIF_ORIENTATION, "H", 1, orientation, True)])
    elif kind == "16-bit PNG":
        after_header = 33
        plain, tag = png(deep), chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))
        data = plain[:after_header] + tag + plain[after_header:]
    else:
        data = saved(image, kind, exif=exif)

    upright = open_scan(data).rgb
    assert upright.shape == (64, 96, 3)
    assert upright[:28, :44].max() < 0.2
    assert min(upright[36:].min(), upright[:, 52:].min()) > 0.7


LARGE = np.kron(LOW, np.ones((14, 14, 1), np.uint8))[:1300]  # 1300 × 2016: judged at half its size
LARGE_DEEP = LARGE.astype(np.uint16) * 257
HEIC = io.BytesIO()
pillow_heif.from_pillow(Image.fromarray(LARGE)).save(HEIC, quality=95, chroma=444)
LARGE_FILES = {
    "JPEG": saved(LARGE, "JPEG", quality=95),
    "progressive CMYK JPEG": saved(Image.fromarray(LARGE).convert("CMYK"), "JPEG", quality=95, progressive=True),
    "PNG": saved(LARGE, "PNG", compress_level=1),
    "16-bit PNG": png(LARGE_DEEP),
    "16-bit TIFF": tiff(LARGE_DEEP),
    "float TIFF": tiff((LARGE / 255).astype(np.float32)),
    "HEIC": HEIC.getvalue(),
}


@pytest.mark.parametrize("kind", LARGE_FILES)
def test_a_large_picture_is_judged_small_and_still_there_at_full_size_and_depth(kind):
    scan = open_scan(LARGE_FILES[kind], "large.png")
    assert scan.small.shape == (650, 1008, 3) and scan.small.dtype == np.float32
    blocks = LARGE.reshape(650, 2, 1008, 2, 3).mean(axis=(1, 3)) / 255
    assert np.abs(scan.small - blocks).mean() < 0.01
    assert scan.rgb.shape == LARGE.shape and np.abs(scan.rgb - LARGE / 255).mean() < 0.01
    assert scan.bits == 8 * scan.pixels.dtype.itemsize == (16 if "16" in kind else 32 if "float" in kind else 8)
    assert (scan.jpeg_tables is not None) == ("JPEG" in kind)


@pytest.mark.parametrize(
    ("size", "small"),
    [
        ((4000, 3000), (1000, 750)),
        ((3024, 4032), (756, 1008)),
        ((4001, 3001), (1001, 751)),
        ((1919, 1919), (1919, 1919)),
        ((6000, 300), (6000, 300)),
        ((6254, 1279), (3127, 640)),
    ],
)
def test_judging_keeps_960_pixels_on_the_long_side_and_640_on_the_short(size, small):
    for kind in ("JPEG", "PNG"):
        picture = open_scan(saved(Image.new("RGB", size, "orange"), kind)).small_pixels
        assert picture.shape[1::-1] == small


def test_a_large_photograph_held_sideways_comes_out_upright_small_and_large():
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 6
    scan = open_scan(saved(np.rot90(LARGE), "JPEG", exif=exif))
    assert scan.small.shape == (650, 1008, 3) and scan.rgb.shape == LARGE.shape
    assert np.abs(scan.small - LARGE[::2, ::2] / 255).mean() < 0.02


def test_a_large_jpeg_that_is_cut_short_is_refused():
    with pytest.raises(decode.UnreadableScan, match="half.jpg: the picture is damaged or cut short"):
        open_scan(LARGE_FILES["JPEG"][:-50_000], "half.jpg")


def test_a_multi_picture_phone_file_opens_as_its_main_picture():
    second = Image.fromarray(LOW[::-1].copy())
    file = io.BytesIO()
    Image.fromarray(LOW).save(file, "MPO", save_all=True, append_images=[second], quality=98, subsampling=0)
    assert np.abs(open_scan(file.getvalue()).pixels.astype(int) - LOW).max() <= 14


def test_a_scan_keeps_the_colour_profile_and_the_camera_data_of_its_file():
    exif = Image.Exif()
    exif[271] = "Nikon"
    for kind in ("JPEG", "PNG", "TIFF", "WEBP"):
        scan = open_scan(saved(LOW, kind, icc_profile=b"profile", exif=exif))
        assert scan.icc == b"profile", kind
        assert b"Nikon" in scan.exif, kind


def test_a_tiff_whose_exif_is_broken_or_missing_opens_all_the_same():
    assert open_scan(tiff(DEEP)).exif is None
    unused, camera = (struct.pack("<HHI", tag, 4, 1) for tag in (EXIF_CAMERA - 1, EXIF_CAMERA))
    broken = as_tiff(DEEP, extratags=[(EXIF_CAMERA - 1, "I", 1, 10**9, True)]).replace(unused, camera)
    assert camera in broken
    np.testing.assert_array_equal(open_scan(broken).pixels, DEEP)


BROKEN_EXIF = b"Exif\0\0broken, and not at all what it says"
FAT = Image.Exif()
FAT[305] = "x" * 70_000


@pytest.mark.filterwarnings("ignore:Truncated File Read")  # Pillow's
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "16-bit PNG", "WEBP", "HEIC"])
@pytest.mark.parametrize("exif", [BROKEN_EXIF, FAT.tobytes()], ids=["broken", "large"])
def test_a_picture_is_worth_more_than_its_exif(tmp_path, kind, exif):
    after_header = 33
    if kind == "JPEG":
        exif, plain = exif[:65_000], saved(LOW, kind)
        data = plain[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + plain[2:]
    elif kind == "WEBP":
        data = saved(LOW, kind, lossless=True, exif=exif)
    elif kind == "HEIC":
        file = io.BytesIO()
        pillow_heif.from_pillow(Image.fromarray(LOW)).save(file, exif=exif)
        data = file.getvalue()
    else:
        plain = png(DEEP if "16" in kind else LOW)
        data = plain[:after_header] + chunk(b"eXIf", exif.removeprefix(b"Exif\0\0")) + plain[after_header:]
    path = write(tmp_path, "frame.picture", data)
    assert open_scan(path).pixels.shape == LOW.shape
    for suffix in (".jpg", ".tif"):
        assert save_positive(path, tmp_path, suffix).is_file()


JPEG = saved(LOW, "JPEG")


def pretending(tags: dict[int, int]) -> bytes:
    """A tiled TIFF whose header has other values in these tags."""
    data = as_tiff(DEEP, tile=(32, 32), photometric="rgb")
    for tag, value in tags.items():
        kind = next(kind for kind in (3, 4) if struct.pack("<HHI", tag, kind, 1) in data)
        at = data.index(struct.pack("<HHI", tag, kind, 1)) + 8
        data = data[:at] + struct.pack("<I", value) + data[at + 4 :]
    return data


MANY_LAYERS = {256: 10_000, 257: 10_000, 277: 60}  # width, height, samples a pixel
LARGE_TILES = {322: 12_000, 323: 12_000}
# what is wrong: (name of the file, its bytes, the error, words that the user must read)
BAD = {
    "text named .jpg": ("notes.jpg", b"dear diary\n" * 20, decode.UnreadableScan, "not a picture"),
    "empty": ("empty.jpg", b"", decode.EmptyScan, "empty"),
    "truncated JPEG": ("half.jpg", JPEG[: len(JPEG) // 2], decode.UnreadableScan, "cut short"),
    "truncated PNG": ("half.png", saved(LOW, "PNG")[:4000], decode.UnreadableScan, "cut short"),
    "truncated 16-bit PNG": ("half16.png", png(DEEP)[:4000], decode.UnreadableScan, "cut short"),
    "truncated 16-bit TIFF": ("half.tif", tiff(DEEP)[:4000], decode.UnreadableScan, "cut short"),
    "TIFF without pixels": ("bare.tif", b"II*\0\x08\0\0\0\0\0\0\0\0\0", decode.UnreadableScan, "picture"),
    "900-megapixel header": ("bomb.png", png(None, size=(30_000, 30_000)), decode.ScanTooLarge, "120 megapixels"),
    "144-megapixel header": ("big.png", png(None, size=(12_000, 12_000)), decode.ScanTooLarge, "120 megapixels"),
    "1 × 1": ("dot.png", png(LOW[:1, :1]), decode.EmptyScan, "too few"),
    "100 megapixels of 60 layers": ("deep.tif", pretending(MANY_LAYERS), decode.ScanTooLarge, "too many layers"),
    "144-megapixel tiles": ("tile.tif", pretending(LARGE_TILES), decode.ScanTooLarge, "120 megapixels"),
    "NaN TIFF": ("nan.tif", tiff(np.full((32, 32, 3), np.nan, np.float32)), decode.UnreadableScan, "not numbers"),
    "float TIFF beyond 1": ("hdr.tif", tiff(np.full((32, 32, 3), 7, np.float32)), decode.UnreadableScan, "0…1"),
    "SVG": ("drawing.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>", decode.UnreadableScan, "not a picture"),
    "GIF": ("moving.png", saved(Image.fromarray(GREY), "GIF"), decode.UnreadableScan, "not a picture"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_refused_in_one_line_that_names_it(kind, tmp_path):
    name, data, error, words = BAD[kind]
    path = write(tmp_path, name, data)
    for source, title in ((path, None), (data, name)):
        with pytest.raises(error) as caught:
            open_scan(source, title)
        message = str(caught.value)
        assert name in message and words in message and "\n" not in message
        assert isinstance(caught.value, decode.ScanError)


def test_a_huge_header_is_refused_before_its_pixels_are_read():
    tall = tiff(np.zeros((16, 16, 3), np.uint16))
    for tag in (256, 257):  # width and height, each a LONG in the directory
        at = tall.index(struct.pack("<HHI", tag, 4, 1)) + 8
        tall = tall[:at] + struct.pack("<I", 30_000) + tall[at + 4 :]
    with pytest.raises(decode.ScanTooLarge, match="30000 × 30000"):
        open_scan(tall, "tall.tif")


def test_a_path_that_is_not_there_or_is_a_folder_is_named(tmp_path):
    with pytest.raises(decode.MissingScan, match="gone.jpg: no such file"):
        open_scan(tmp_path / "gone.jpg")
    with pytest.raises(decode.MissingScan, match="cannot be read"):
        open_scan(tmp_path)

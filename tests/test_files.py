"""Files as scanners, phones and file servers leave them open by what is in them."""

import io
import struct
import zlib

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from darkroom.files import decode, limits, modern
from darkroom.files.archive import frames_in_uploads
from darkroom.files.folder import SUFFIXES, walk
from darkroom.film.scan import open_scan
from film import chunk, eight_bit, frame, png, sixteen_bit

RGB = frame()
LOW, DEEP = eight_bit(RGB), sixteen_bit(RGB)


def pages(*frames: tuple[np.ndarray, dict]) -> bytes:
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as tiff:
        for pixels, options in frames:
            kind = "rgb" if pixels.ndim == 3 else "minisblack"
            tiff.write(pixels, **({"photometric": kind, "metadata": None, "contiguous": False} | options))
    return out.getvalue()


@pytest.mark.parametrize("depth", ["u1", "u2"])
def test_cielab_opens_in_its_colours(depth):
    """CIELAB by the formula of CIE 15 at white D50, sRGB to XYZ D50 by Bradford's matrix (Lindbloom)."""
    light = np.where(RGB <= 0.04045, RGB / 12.92, ((RGB + 0.055) / 1.055) ** 2.4)
    matrix = [[0.4360747, 0.3850649, 0.1430804], [0.2225045, 0.7168786, 0.0606169], [0.0139322, 0.0971045, 0.7141733]]
    x, y, z = np.moveaxis(np.cbrt(light @ np.array(matrix).T / (0.96422, 1, 0.82521)), -1, 0)
    full = np.iinfo(depth).max
    ab = np.stack([500 * (x - y), 200 * (y - z)], -1) * ((full + 1) / 256)
    lightness = np.rint((116 * y - 16) / 100 * full)[..., None]
    signed = np.concatenate([lightness, np.rint(ab) % (full + 1)], -1).astype(depth)
    scan = open_scan(pages((signed, {"photometric": "cielab"})), "lab.tif")
    assert np.abs(scan.rgb - RGB).max() < (0.002 if depth == "u2" else 0.05)
    assert scan.bits == 8 * signed.itemsize


def test_the_largest_page_that_is_no_thumbnail_is_the_scan():
    small, infrared = LOW[::4, ::4], DEEP[..., 0]
    for data in (
        pages((small, {"subfiletype": 1}), (DEEP, {})),
        pages((small, {}), (DEEP, {})),
        pages((DEEP, {}), (DEEP[::2, ::2], {})),  # a pyramid
        pages((DEEP, {}), (infrared, {})),
        pages((DEEP, {}), (infrared[::2, ::2], {})),
        pages((small, {"subfiletype": 1, "subifds": 1}), (DEEP, {})),  # below the thumbnail
        pages((DEEP, {"subifds": 1}), (small, {"subfiletype": 1})),
    ):
        scan = open_scan(data, "scan.tif")
        np.testing.assert_array_equal(scan.pixels, DEEP)
        assert scan.frames == 1
    grey = open_scan(pages((small, {}), (infrared, {})), "grey.tif").pixels
    np.testing.assert_array_equal(grey, np.repeat(infrared[..., None], 3, -1))


def test_a_list_of_pages_that_leads_back_to_its_beginning_has_each_once():
    data = bytearray(pages((DEEP, {}), (DEEP, {})))
    with tifffile.TiffFile(io.BytesIO(data)) as tiff:
        first, last = tiff.pages[0].offset, tiff.pages[1].offset
    (entries,) = struct.unpack_from("<H", data, last)
    struct.pack_into("<I", data, last + 2 + 12 * entries, first)
    assert open_scan(bytes(data), "ring.tif").frames == 2


@pytest.mark.parametrize(
    "options",
    [
        {"byteorder": ">", "bigtiff": True},
        {"byteorder": "<", "bigtiff": True},
        {"byteorder": ">"},
    ],
    ids=str,
)
@pytest.mark.parametrize("pixels", [LOW, DEEP], ids=["8 bits", "16 bits"])
def test_large_and_big_endian_tiff_open(options, pixels):
    out = io.BytesIO()
    tifffile.imwrite(out, pixels, photometric="rgb", **options)
    np.testing.assert_array_equal(open_scan(out.getvalue(), "big.tif").pixels, pixels)


@pytest.mark.parametrize("packing", ["webp", "zstd", "lzma", "packbits", "jpegxl", "jpeg", "jpeg2000"], ids=str)
def test_a_tiff_opens_however_it_is_packed(packing):
    lossless = {"webp": {"lossless": True}, "jpegxl": {"lossless": True}, "jpeg": {"level": 98}}
    data = pages((LOW, {"compression": packing, "compressionargs": lossless.get(packing), "tile": (48, 48)}))
    pixels = open_scan(data, "packed.tif").pixels
    assert np.abs(pixels.astype(int) - LOW).max() <= (30 if packing == "jpeg" else 0)


@pytest.mark.parametrize("bits", [2, 4, 6, 10, 12, 14])
@pytest.mark.parametrize("planes", ["contig", "separate"])
def test_a_tiff_of_other_depths_opens(bits, planes):
    depth = DEEP >> (16 - bits) if bits > 8 else LOW >> (8 - bits)
    stored = np.ascontiguousarray(np.moveaxis(depth, -1, 0)) if planes == "separate" else depth
    scan = open_scan(pages((stored, {"bitspersample": bits, "planarconfig": planes})), "scan.tif")
    assert scan.bits == (16 if bits > 8 else 8)
    assert np.abs(scan.rgb - depth / (2**bits - 1)).max() < 0.002


def test_a_tiff_of_twelve_bits_packed_as_jpeg_opens():
    packed = {"compression": "jpeg", "compressionargs": {"level": 98}, "bitspersample": 12}
    assert np.abs(open_scan(pages((DEEP >> 4, packed)), "scan.tif").rgb - RGB).max() < 0.15


def test_cielab_that_is_no_whole_numbers_is_refused_with_a_way_out():
    with pytest.raises(
        decode.UnreadableScan, match="lab.tif: CIELAB in numbers of an unusual kind; save it as 16-bit RGB"
    ):
        open_scan(pages((RGB.astype(np.float32), {"photometric": "cielab"})), "lab.tif")


def test_a_part_of_a_tiff_that_unpacks_to_more_than_it_says_is_refused(monkeypatch):
    monkeypatch.setattr(limits, "MAX_PIXELS", 20_000)
    large = np.zeros((400, 400, 3), np.uint8)
    for packing, stream in {
        "webp": imagecodecs.webp_encode(large, lossless=True),
        "jpegxl": imagecodecs.jpegxl_encode(large, lossless=True),
        "jpeg": imagecodecs.jpeg8_encode(large),
    }.items():
        out = io.BytesIO()
        tile = (64, 64, 3)
        tifffile.imwrite(
            out,
            iter([stream] * 2),
            shape=(64, 128, 3),
            dtype="u1",
            tile=tile[:2],
            photometric="rgb",
            compression=packing,
        )
        with pytest.raises(decode.ScanTooLarge, match="bomb.tif: 400 × 400"):
            open_scan(out.getvalue(), "bomb.tif")


def jpeg(**options) -> bytes:
    out = io.BytesIO()
    Image.fromarray(LOW).save(out, "JPEG", **options)
    return out.getvalue()


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 1}], ids=str)
def test_a_jpeg_without_its_end_marker_opens_and_one_without_pixels_does_not(options):
    whole = jpeg(**options)
    for missing in (1, 2):
        np.testing.assert_array_equal(open_scan(whole[:-missing], "end.jpg").pixels, open_scan(whole, "end.jpg").pixels)
    for missing in (12, 40, len(whole) // 2):
        with pytest.raises(decode.UnreadableScan, match="cut short"):
            open_scan(whole[:-missing], "half.jpg")


def test_a_png_with_megabytes_of_text_opens():
    text = b"XML:com.adobe.xmp\0\0\0\0\0" + b"<x/>" * 600_000
    packed = b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(b"<x/>" * 30_000_000, 1)
    for pixels in (LOW, DEEP):
        plain = png(pixels)
        for kind, data in (
            (b"iTXt", text),
            (b"iTXt", packed),
            (b"zTXt", b"a\0\0" + packed[22:]),
            (b"tEXt", b"a\0" + text),
        ):
            full = plain[:33] + chunk(kind, data) + plain[33:]
            np.testing.assert_array_equal(open_scan(full, "text.png").pixels, pixels)


def test_a_png_with_a_large_profile_opens_with_it():
    for size, kept in ((3_000_000, True), (40_000_000, False)):
        profile = np.random.default_rng(0).bytes(1000) * (size // 1000)
        packed = b"scanner\0\0" + zlib.compress(profile, 1)
        for pixels in (LOW, DEEP):
            plain = png(pixels)
            scan = open_scan(plain[:33] + chunk(b"iCCP", packed) + plain[33:], "profile.png")
            np.testing.assert_array_equal(scan.pixels, pixels)
            assert scan.icc == (profile if kept else None)


MODERN = {
    "JPEG XL, 8 bits": (imagecodecs.jpegxl_encode(LOW, lossless=True), LOW, 0),
    "JPEG XL, 16 bits": (imagecodecs.jpegxl_encode(DEEP, lossless=True), DEEP, 0),
    "JPEG XL, bare": (imagecodecs.jpegxl_encode(LOW, lossless=True, usecontainer=False), LOW, 0),
    "JPEG 2000, 8 bits": (imagecodecs.jpeg2k_encode(LOW, level=0), LOW, 0),
    "JPEG 2000, 16 bits": (imagecodecs.jpeg2k_encode(DEEP, level=0, codecformat="j2k"), DEEP, 0),
    "JPEG 2000, 12 bits": (imagecodecs.jpeg2k_encode(DEEP >> 4, level=0, bitspersample=12), DEEP, 16),
    "AVIF, 8 bits": (imagecodecs.avif_encode(LOW, level=100), LOW, 8),
    "AVIF, 10 bits": (imagecodecs.avif_encode(DEEP >> 6, level=100, bitspersample=10), DEEP, 8 * 65),
}


@pytest.mark.parametrize("kind", MODERN)
def test_jpeg_xl_jpeg_2000_and_avif_open_at_their_depth(kind):
    data, expected, tolerance = MODERN[kind]
    scan = open_scan(data, "frame")
    assert scan.format == kind.split(",")[0] and scan.pixels.dtype == expected.dtype
    assert np.abs(scan.pixels.astype(int) - expected).max() <= tolerance
    with pytest.raises(decode.UnreadableScan):
        open_scan(data[: len(data) // 2], "half")


@pytest.mark.parametrize("kind", MODERN)
def test_their_size_is_known_before_they_are_decoded(kind, monkeypatch):
    monkeypatch.setattr(limits, "MAX_PIXELS", 10_000)
    for codec in ("jpegxl", "jpeg2k", "avif"):
        monkeypatch.setattr(imagecodecs, f"{codec}_decode", None)
    with pytest.raises(decode.ScanTooLarge, match="144 × 96"):
        open_scan(MODERN[kind][0], "frame")


@pytest.mark.parametrize("size", [(8, 8), (256, 256), (144, 96), (500, 300), (3000, 2000), (70_000, 1), (1600, 900)])
def test_the_size_of_a_jpeg_xl_is_read_from_its_header(size):
    data = imagecodecs.jpegxl_encode(np.zeros((size[1], size[0]), np.uint8), lossless=True, effort=1)
    assert modern.jxl_size(data) == size


def test_a_folder_is_walked_without_what_computers_put_there_and_skipped_pictures_are_counted(tmp_path):
    kept = ["a.jpg", "b.JFIF", "#3/c.avif", "@home/d.fff", "roll/c.avif", "roll/d.fff", "roll/e.BTF"]
    left = ["@eaDir/a.jpg/SYNOPHOTO_THUMB_M.jpg", "#recycle/old.jpg", ".Trash-1000/files/x.jpg", "._a.jpg", "Thumbs.db"]
    left += ["@__thumb/a.jpg", "@Recycle/x.jpg", "$RECYCLE.BIN/S-1/x.jpg", "#snapshot/daily/a.jpg"]
    left += ["roll/.AppleDouble/c.jpg"]
    left += ["__MACOSX/roll/._c.avif", "lost+found/x.jpg", "Network Trash Folder/x.jpg", "roll/@eaDir/c.avif/x.jpg"]
    for name in (*kept, *left, "e.psd", "f.bmp", "notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    found = walk(tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in found.pictures] == kept
    assert found.note.startswith("2 files look like pictures but were skipped (.bmp, .psd)")
    assert {".jpe", ".jfif", ".mpo", ".fff", ".jp2", ".jxl", ".avif", ".dng", ".heic", ".btf", ".cap"} <= set(SUFFIXES)


def test_each_page_of_a_tiff_is_a_frame(tmp_path):
    other = np.ascontiguousarray(DEEP[::-1])
    (tmp_path / "strip.tif").write_bytes(pages((DEEP, {}), (other, {})))
    found = frames_in_uploads([tmp_path / "strip.tif"], tmp_path / "out")
    assert [(frame.name, frame.number) for frame in found] == [("strip.tif#1", 0), ("strip.tif#2", 1)]
    for frame_, pixels in zip(found, (DEEP, other), strict=True):
        scan = open_scan(frame_.path, number=frame_.number)
        np.testing.assert_array_equal(scan.pixels, pixels)
        assert scan.frames == 2

"""Files as scanners, phones and file servers leave them open by what is in them."""

import io
import struct
import zipfile
import zlib

import imagecodecs
import numpy as np
import pytest
import tifffile
from darkroom import decode, limits, modern, small
from darkroom.archive import find_frames
from darkroom.folder import SUFFIXES, walk
from darkroom.scan import open_scan
from film import chunk, eight_bit, frame, png, sixteen_bit
from PIL import Image

RGB = frame()
LOW, DEEP = eight_bit(RGB), sixteen_bit(RGB)
CAMERA = [1.5, -0.3, -0.2, -0.4, 1.3, 0.1, 0.0, 0.1, 0.7]  # XYZ to camera, row by row


def dng(pixels: np.ndarray, **options) -> bytes:
    """A scanner's DNG: a thumbnail first, then linear light in as many samples as `pixels` has."""
    samples = 1 if pixels.ndim == 2 else pixels.shape[-1]
    matrix = np.resize(np.array(CAMERA), 3 * samples)
    rational = tuple(number for value in matrix for number in (round(value * 1e4), 10_000))
    head = [(50706, "B", 4, (1, 4, 0, 0), True), (50708, "s", 0, "Scanner", True)]
    head += [
        (50721, "2i", 3 * samples, rational, True),
        (50728, "2I", samples, (1, 1) * samples, True),
    ] * (samples > 1)
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as tiff:
        options = {"photometric": "linear_raw" if samples > 1 else "minisblack", "metadata": None, **options}
        if pixels.ndim == 3:
            options["planarconfig"] = "contig"
        tiff.write(LOW[::4, ::4], photometric="rgb", subfiletype=1, subifds=1, extratags=head, metadata=None)
        tiff.write(pixels, subfiletype=0, extratags=[(50717, "H", samples, (65535,) * samples, True)], **options)
    grey, linear = (struct.pack("<HHII", 262, 3, 1, kind) for kind in (1, 34892))
    return out.getvalue().replace(grey, linear)  # tifffile writes no grey one


def pages(*frames: tuple[np.ndarray, dict]) -> bytes:
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as tiff:
        for pixels, options in frames:
            kind = "rgb" if pixels.ndim == 3 else "minisblack"
            tiff.write(pixels, **({"photometric": kind, "metadata": None, "contiguous": False} | options))
    return out.getvalue()


def test_what_follows_red_green_and_blue_in_a_scanners_dng_is_left_out():
    infrared = np.full_like(DEEP[..., :1], 45_000)
    plain, mixed = open_scan(dng(DEEP), "hdri.dng"), open_scan(dng(np.concatenate([DEEP, infrared], -1)), "rgbi.dng")
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
    ):
        np.testing.assert_array_equal(open_scan(data, "scan.tif").pixels, DEEP)


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
    kept = ["a.jpg", "b.JFIF", "roll/c.avif", "roll/d.fff"]
    left = ["@eaDir/a.jpg/SYNOPHOTO_THUMB_M.jpg", "#recycle/old.jpg", ".Trash-1000/files/x.jpg", "._a.jpg", "Thumbs.db"]
    for name in (*kept, *left, "e.psd", "f.bmp", "notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    found = walk(tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in found.pictures] == kept
    assert found.note.startswith("2 files look like pictures but were skipped (.bmp, .psd)")
    assert {".jpe", ".jfif", ".mpo", ".fff", ".jp2", ".jxl", ".avif", ".dng", ".heic"} <= set(SUFFIXES)


@pytest.mark.parametrize(
    ("names", "encoding"),
    [
        (["Köln/Straße.jpg", "a.jpg"], "utf-8"),
        (["写真/東京タワー.jpg", "a.jpg"], "cp932"),
        (["Köln/Straße.jpg"], "cp437"),
        (["Köln/Façade.jpg"], "cp1252"),
    ],
)
def test_the_names_of_a_zip_are_read_as_they_were_written(tmp_path, names, encoding):
    raw = [name.encode(encoding) for name in names]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for i, name in enumerate(raw):
            archive.writestr("#" * (len(name) - 1) + str(i), jpeg())
    data = out.getvalue()
    for i, name in enumerate(raw):
        data = data.replace(b"#" * (len(name) - 1) + str(i).encode(), name)
    (tmp_path / "roll.zip").write_bytes(data)
    assert [found.name for found in find_frames([tmp_path / "roll.zip"], tmp_path / "out")] == names


def test_each_page_of_a_tiff_is_a_frame(tmp_path):
    other = np.ascontiguousarray(DEEP[::-1])
    (tmp_path / "strip.tif").write_bytes(pages((DEEP, {}), (other, {})))
    found = find_frames([tmp_path / "strip.tif"], tmp_path / "out")
    assert [(frame.name, frame.number) for frame in found] == [("strip.tif#1", 0), ("strip.tif#2", 1)]
    for frame_, pixels in zip(found, (DEEP, other), strict=True):
        scan = open_scan(frame_.path, number=frame_.number)
        np.testing.assert_array_equal(scan.pixels, pixels)
        assert scan.frames == 2


@pytest.mark.parametrize("samples", [3, 4], ids=["RGB", "with infrared"])
def test_a_large_scanners_dng_is_reduced_before_it_is_developed(samples, monkeypatch):
    monkeypatch.setattr(small, "SMALL", (30, 20))
    monkeypatch.setattr(limits, "MOST_MEMORY", 3 * DEEP.nbytes)  # as it is it would take that many times its size
    scan = open_scan(dng(np.concatenate([DEEP, DEEP], -1)[..., :samples]), "scan.dng")
    monkeypatch.undo()
    whole = open_scan(dng(DEEP), "scan.dng").pixels
    blocks = whole.reshape(24, 4, 36, 4, 3).mean((1, 3))
    assert scan.small_pixels.shape == (24, 36, 3)
    ratio = scan.small_pixels / blocks  # LibRaw makes the brightest pixel white
    assert ratio.std() < 0.01 and abs(ratio.mean() - 1) < 0.05

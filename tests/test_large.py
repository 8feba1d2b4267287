"""Large pictures, and files made to look large, are opened in bounded memory and time or refused in a sentence."""

import io
import threading
import tracemalloc

import imagecodecs
import numpy as np
import pillow_heif
import pytest
import tifffile
from PIL import Image

from darkroom.files import decode, limits, png, small
from darkroom.files.archive import FrameSource, each_frame
from darkroom.film.export import save_positive
from darkroom.film.scan import open_scan
from film import chunk, eight_bit, frame, sixteen_bit
from film import png as as_png

RGB = frame(101, 150)
LOW, DEEP = eight_bit(RGB), sixteen_bit(RGB)
INKS = np.concatenate([DEEP, DEEP[..., :1] // 3], -1)
PLANES = np.ascontiguousarray(DEEP.transpose(2, 0, 1))
PALETTE = np.stack([np.arange(256), np.arange(256)[::-1], np.arange(256) // 2]).astype(np.uint16) * 257


def tiff(pixels: np.ndarray, **options) -> bytes:
    out, file = io.BytesIO(), {name: options.pop(name) for name in ("bigtiff", "byteorder") if name in options}
    tifffile.imwrite(out, pixels, metadata=None, **{"photometric": "rgb"} | options, **file)
    return out.getvalue()


def saved(kind: str, **options) -> bytes:
    out = io.BytesIO()
    Image.fromarray(LOW).save(out, kind, **options)
    return out.getvalue()


def heic() -> bytes:
    out = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(LOW)).save(out)
    return out.getvalue()


TIFFS = {
    "as it is": tiff(DEEP),
    "as it is, big-endian": tiff(DEEP, bigtiff=True, byteorder=">"),
    "planes as they are": tiff(PLANES, planarconfig="separate"),
    "floating point": tiff(RGB.astype(np.float32), rowsperstrip=3),
    "strips": tiff(DEEP, compression="zlib", predictor=True, rowsperstrip=7),
    "tall strips": tiff(LOW, compression="lzw", rowsperstrip=64),
    "tiles": tiff(DEEP, compression="lzw", tile=(32, 48)),
    "tiles as they are": tiff(DEEP, tile=(32, 48)),
    "planes in strips": tiff(PLANES, planarconfig="separate", compression="zlib", rowsperstrip=7),
    "planes in tiles": tiff(PLANES, planarconfig="separate", compression="zlib", tile=(32, 48)),
    "JPEG": tiff(LOW, compression="jpeg", rowsperstrip=16),
    "JPEG tiles": tiff(LOW, compression="jpeg", tile=(32, 48)),
    "one strip": tiff(LOW, compression="zlib", rowsperstrip=101),
    "grey, white is zero": tiff(DEEP[..., 1], photometric="miniswhite", compression="zlib", rowsperstrip=7),
    "palette": tiff(LOW[..., 1], photometric="palette", colormap=PALETTE, compression="zlib", rowsperstrip=7),
    "one bit": tiff(LOW[..., 1] > 99, photometric="minisblack"),
}


@pytest.fixture
def tiny(monkeypatch) -> None:
    """A picture of 101 × 150 counts as large, and is reduced four times."""
    monkeypatch.setattr(small, "SMALL", (30, 20))
    monkeypatch.setattr(small, "PART", 2000)
    monkeypatch.setattr("darkroom.files.tiff_strips.PART", 2000)


@pytest.mark.parametrize("kind", TIFFS)
def test_a_tiff_read_in_parts_is_the_whole_one_reduced(kind, tiny):
    whole = decode.decode(TIFFS[kind], "whole.tif")[0]
    parts = decode.decode(TIFFS[kind], "parts.tif", small=True)[0]
    assert parts.shape == (26, 38, 3) and parts.dtype == whole.dtype
    blocks = [whole[:100, :148, c].reshape(25, 4, 37, 4).mean((1, 3), dtype=np.float64) for c in range(3)]
    step = 1e-6 if whole.dtype.kind == "f" else 0.51
    np.testing.assert_allclose(parts[:25, :37], np.stack(blocks, -1), atol=step)


@pytest.mark.parametrize(
    ("photometric", "pixels"),
    [("separated", INKS), ("cielab", LOW), ("icclab", DEEP)],
    ids=["CMYK", "CIELAB", "ICCLAB"],
)
def test_colours_that_take_long_to_convert_are_reduced_first_and_keep_their_hue(photometric, pixels, tiny):
    smooth = np.sort(pixels, axis=0)
    if photometric == "cielab":  # a and b are signed
        smooth = np.sort(pixels.view(np.int8), axis=0).view(np.uint8)
    data = tiff(smooth, photometric=photometric, compression="zlib", rowsperstrip=7)
    whole, parts = (decode.decode(data, "colours.tif", small=small)[0] for small in (False, True))
    full = np.iinfo(whole.dtype).max
    blocks = whole[:100, :148].reshape(25, 4, 37, 4, 3).mean((1, 3))
    assert np.abs(parts[:25, :37] / full - blocks / full).mean() < 0.01


@pytest.mark.parametrize("kind", ["P", "LA", "RGBA", "1", "L"])
def test_a_png_reduced_in_parts_is_the_whole_one_reduced(kind, tiny):
    out = io.BytesIO()
    Image.fromarray(LOW).convert(kind).save(out, "PNG")
    parts = decode.decode(out.getvalue(), "parts.png", small=True)[0]
    with Image.open(out) as image:
        np.testing.assert_array_equal(parts, np.asarray(image.convert("RGB").reduce(4)))


@pytest.mark.parametrize(
    "options",
    [{}, {"compression": "zlib", "rowsperstrip": 50}, {"compression": "zlib", "tile": (256, 256)}],
    ids=["as it is", "strips", "tiles"],
)
def test_a_large_tiff_is_judged_in_a_fraction_of_its_size(options, tmp_path):
    tifffile.imwrite(tmp_path / "large.tif", np.zeros((5000, 4000, 3), np.uint16), photometric="rgb", **options)
    open_scan(tmp_path / "large.tif")  # libraries are loaded
    tracemalloc.start()
    scan = open_scan(tmp_path / "large.tif")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert scan.small_pixels.shape == (1250, 1000, 3)
    assert most < 60e6, "of 120 MB"


def test_a_tiff_beyond_the_limit_is_judged_small_and_not_opened_whole(monkeypatch, tiny):
    monkeypatch.setattr(limits, "MAX_PIXELS", LOW.shape[0] * LOW.shape[1] // 3)
    monkeypatch.setattr("darkroom.files.tiff.MAX_BYTES", 12 * limits.MAX_PIXELS)
    for kind in ("strips", "tiles", "as it is"):
        scan = open_scan(TIFFS[kind], "large.tif")
        assert scan.small_pixels.shape == (26, 38, 3)
        with pytest.raises(decode.ScanTooLarge, match="^large.tif: 150 × 101 pixels are more than"):
            _ = scan.pixels
    monkeypatch.setattr(limits, "MAX_PIXELS", LOW.shape[0] * LOW.shape[1] // 5)
    with pytest.raises(decode.ScanTooLarge, match="^large.tif: 150 × 101 pixels are more than"):
        open_scan(TIFFS["strips"], "large.tif")
    with pytest.raises(decode.ScanTooLarge):
        open_scan(saved("PNG"), "large.png")


GREEDY = {
    "png": as_png(DEEP),
    "webp": saved("WEBP"),
    "heic": heic(),
    "avif": saved("AVIF"),
    "jxl": imagecodecs.jpegxl_encode(LOW),
    "jp2": imagecodecs.jpeg2k_encode(LOW),
    "jpg": saved("JPEG", progressive=True, subsampling=0),
    "tif": tiff(DEEP, compression="zlib", rowsperstrip=101),
}


@pytest.mark.parametrize("kind", GREEDY)
def test_a_picture_that_would_take_too_much_memory_is_refused(kind, monkeypatch, tiny):
    data = GREEDY[kind]
    open_scan(data, f"frame.{kind}")
    monkeypatch.setattr(limits, "MOST_MEMORY", len(data) + 2 * LOW.shape[0] * LOW.shape[1])
    with pytest.raises(decode.ScanTooLarge, match=f"^frame.{kind}: opening it would take .* GB of memory"):
        open_scan(data, f"frame.{kind}")
    open_scan(saved("JPEG"), "frame.jpg")
    open_scan(tiff(DEEP, compression="zlib", rowsperstrip=4), "frame.tif")


def test_large_pictures_are_opened_one_after_another(monkeypatch):
    monkeypatch.setattr(limits, "LARGE", 1000)
    limits.check_memory("first", 2000)
    limits.check_memory("first", 3000)  # who has the turn does not wait for it
    done = threading.Event()
    second = threading.Thread(target=lambda: (open_scan(GREEDY["png"], "second.png"), done.set()))
    second.start()
    assert not done.wait(0.3)
    limits.opened()
    assert done.wait(30)
    second.join()
    with pytest.raises(decode.UnreadableScan):
        open_scan(GREEDY["png"][:300], "broken.png")
    third = threading.Thread(target=lambda: open_scan(GREEDY["png"], "third.png"))
    third.start()
    third.join(30)
    assert not third.is_alive(), "one that fails gives its turn away too"


def test_a_png_in_too_many_pieces_is_refused():
    whole = as_png(LOW)
    few, many = (whole[:33] + chunk(b"prIv", b"") * count + whole[33:] for count in (1000, png.MOST_CHUNKS))
    np.testing.assert_array_equal(open_scan(few, "few.png").pixels, LOW)
    with pytest.raises(decode.UnreadableScan, match="^many.png: a PNG in more than 200,000 pieces"):
        open_scan(many, "many.png")


def test_a_jpeg_of_very_many_scans_is_refused():
    whole = saved("JPEG", progressive=True)
    last = whole.rindex(b"\xff\xda")
    many = whole[:last] + whole[last:-2] * 2000 + b"\xff\xd9"
    with pytest.raises(decode.UnreadableScan, match="^many.jpg: a JPEG of more than 100 scans"):
        open_scan(many, "many.jpg")


def test_a_tiff_whose_directories_say_more_than_any_program_writes_is_refused(tmp_path, caplog):
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as writer:
        for _ in range(12):
            writer.write(LOW, photometric="rgb", extratags=[(60_000 + i, "H", 1, i, True) for i in range(1000)])
    (tmp_path / "wordy.tif").write_bytes(out.getvalue())
    (found,) = each_frame(FrameSource("wordy.tif", tmp_path / "wordy.tif"))
    with pytest.raises(decode.UnreadableScan, match="^wordy.tif: .*its directories hold more than any program writes"):
        open_scan(found.path, found.name)
    assert not caplog.records, "the sentence is all that is said"


@pytest.mark.parametrize(("suffix", "method"), [(".jpg", "cvt2pos"), (".tif", "density")])
def test_a_large_positive_takes_little_more_than_its_pixels(suffix, method, tmp_path):
    pixels = np.tile(LOW, (20, 20, 1))
    source = tmp_path / "large.png"
    Image.fromarray(pixels).save(source)
    tracemalloc.start()  # what Pillow holds of the file beside NumPy's arrays, it does not see
    written = save_positive(source, tmp_path, suffix, method)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * pixels.nbytes + 80_000_000  # pixels, a channel in floats, the positive; and a strip in numbers
    assert written.is_file()

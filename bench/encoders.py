"""Pictures as files of every kind that is opened: formats, depths and packings as Hypothesis draws them."""

import io

import imagecodecs
import numpy as np
import pillow_heif
import tifffile
from hypothesis import strategies as st
from PIL import Image

TIFFS = (
    {},
    {"compression": "zlib", "predictor": True, "rowsperstrip": 7},
    {"compression": "lzw", "tile": (64, 48)},
    {"compression": "jpeg", "rowsperstrip": 64},
    {"compression": "packbits", "planarconfig": "separate"},
    {"compression": "zstd", "bigtiff": True, "byteorder": ">"},
)


def by_pillow(kind: str, *options: dict):
    """An encoder of Pillow's, by any of these options."""

    def encode(draw: st.DrawFn, picture: np.ndarray) -> bytes:
        out, chosen = io.BytesIO(), dict(draw(st.sampled_from(options)))
        Image.fromarray(picture).convert(chosen.pop("mode", "RGB")).save(out, kind, **chosen)
        return out.getvalue()

    return encode


def png(draw: st.DrawFn, picture: np.ndarray) -> bytes:
    """8 or 16 bits, in any of PNG's modes."""
    if draw(st.booleans()):
        return imagecodecs.png_encode(picture.astype(np.uint16) * 257)
    return by_pillow("PNG", {}, {"mode": "P"}, {"mode": "RGBA"}, {"mode": "LA"}, {"mode": "1"})(draw, picture)


def tiff(draw: st.DrawFn, picture: np.ndarray, **more: object) -> bytes:
    """One page or many, of any depth and packing."""
    options, out = dict(draw(st.sampled_from(TIFFS))), io.BytesIO()
    file = {name: options.pop(name) for name in ("bigtiff", "byteorder") if name in options}
    depth = "uint8" if options.get("compression") == "jpeg" else draw(st.sampled_from(["uint8", "uint16", "float32"]))
    pixels = (
        (picture / 255).astype(depth) if depth == "float32" else picture.astype(depth) * (np.iinfo(depth).max // 255)
    )
    if options.get("planarconfig") == "separate":
        pixels = np.ascontiguousarray(pixels.transpose(2, 0, 1))
    with tifffile.TiffWriter(out, **file) as writer:
        for _ in range(draw(st.sampled_from([1, 1, 1, 3, 30]))):
            writer.write(pixels, photometric="rgb", contiguous=False, metadata=None, **options, **more)
    return out.getvalue()


def dng(draw: st.DrawFn, picture: np.ndarray) -> bytes:
    """A scanner's raw, and a sensor's behind a thumbnail."""
    version = [(50706, "B", 4, (1, 4, 0, 0), True)]
    if draw(st.booleans()):
        return tiff(draw, picture, extratags=version)
    out = io.BytesIO()
    pattern = [(33421, "H", 2, (2, 2), True), (33422, "B", 4, (0, 1, 1, 2), True)]
    with tifffile.TiffWriter(out) as writer:
        writer.write(picture[::4, ::4], photometric="rgb", subfiletype=1, subifds=1, extratags=version, metadata=None)
        writer.write(picture[..., 0].astype(np.uint16) * 257, photometric=32803, extratags=pattern, metadata=None)
    return out.getvalue()


def heic(draw: st.DrawFn, picture: np.ndarray) -> bytes:
    """A small picture as HEIC."""
    out = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(picture[:256, :256])).save(out)
    return out.getvalue()


FORMATS = {
    "jpg": by_pillow("JPEG", {}, {"progressive": True, "subsampling": 0}, {"mode": "CMYK"}, {"mode": "L"}),
    "png": png,
    "tif": tiff,
    "dng": dng,
    "heic": heic,
    "webp": by_pillow("WEBP", {}, {"lossless": True, "mode": "RGBA"}),
    "avif": by_pillow("AVIF", {"speed": 10}),
    "jxl": lambda draw, picture: imagecodecs.jpegxl_encode(picture, lossless=True, effort=1),
    "jp2": lambda draw, picture: imagecodecs.jpeg2k_encode(picture, level=draw(st.sampled_from([0, 40]))),
}

"""The pixels of a large TIFF, a few rows at a time as its strips or tiles hold them."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from tifffile import TiffPage

from .pixels import full_depth
from .small import PART


def samples_last(page: TiffPage, *, whole: bool = True) -> np.ndarray:
    """(H, W) or (H, W, C) of a page; whole: spread over all that their type can hold."""
    pixels = page.asarray()
    if page.axes[0] == "S":  # planes one after another
        pixels = np.moveaxis(pixels, 0, -1)
    return full_depth(pixels, page.bitspersample) if whole else pixels


def largest_part(page: TiffPage) -> int:
    """Bytes of the largest of `parts_of`, packed and unpacked."""
    if _whole(page):
        return page.nbytes
    if _plain(page):
        return min(page.nbytes, PART * page.samplesperpixel * _dtype(page).itemsize)
    planes = page.samplesperpixel if _planar(page) else 1
    row = planes * int(np.prod(page.chunks)) * page.chunked[int(_planar(page)) + 1] * _dtype(page).itemsize
    return row + max(page.databytecounts, default=0)


def parts_of(page: TiffPage, *, whole: bool = True) -> Iterator[np.ndarray]:
    """(rows, W) or (rows, W, C) from top to bottom, as `samples_last` has them; not all have as many rows."""
    parts = (
        [samples_last(page, whole=False)]
        if _whole(page)
        else _rows_of_plain(page)
        if _plain(page)
        else _rows_of_segments(page)
    )
    for part in parts:
        part = part[..., 0] if part.shape[-1] == page.samplesperpixel == 1 else part
        yield full_depth(part, page.bitspersample) if whole else part


def in_parts(page: TiffPage) -> bool:
    """Whether `parts_of` gives a few rows at a time."""
    return page.dtype is not None and not _whole(page)


def _dtype(page: TiffPage) -> np.dtype[Any]:
    assert page.dtype is not None  # other pages are Pillow's to unpack
    return page.dtype


def _whole(page: TiffPage) -> bool:
    """Whether a page is of a kind that is only read as a whole: volumes, and microscopes' single JPEG."""
    return page.imagedepth > 1 or page.jpegheader is not None


def _plain(page: TiffPage) -> bool:
    """Whether the pixels lie in the file as they are."""
    return page.is_contiguous and page.fillorder == 1 and page.predictor == 1 and not page.is_subsampled


def _planar(page: TiffPage) -> bool:
    return page.planarconfig == 2 and page.samplesperpixel > 1


def _rows_of_plain(page: TiffPage) -> Iterator[np.ndarray]:
    planes = page.samplesperpixel if _planar(page) else 1
    samples = page.samplesperpixel // planes
    size = page.imagewidth * samples * _dtype(page).itemsize  # of a row of a plane
    rows, file = max(1, PART // page.imagewidth), page.parent.filehandle
    for top in range(0, page.imagelength, rows):
        count = min(rows, page.imagelength - top)
        part = np.empty((planes, count, page.imagewidth, samples), page.dtype)
        for plane in range(planes):
            file.seek(page.dataoffsets[0] + (plane * page.imagelength + top) * size)
            read = file.read_array(page.parent.byteorder + _dtype(page).char, count * page.imagewidth * samples)
            part[plane] = read.reshape(part.shape[1:])
        yield np.moveaxis(part, 0, -1)[..., 0, :] if planes > 1 else part[0]


def _rows_of_segments(page: TiffPage) -> Iterator[np.ndarray]:
    """A row of tiles, or a strip, at a time, of all planes."""
    planes = page.samplesperpixel if _planar(page) else 1
    down, across = page.chunked[int(_planar(page)) : int(_planar(page)) + 2]
    height = page.chunks[0]
    tables = {"jpegtables": page.jpegtables} if page.jpegtables is not None else {}
    for row in range(down):
        count = min(height, page.imagelength - row * height)
        part = np.full((planes, count, page.imagewidth, page.samplesperpixel // planes), page.nodata, page.dtype)
        for plane in range(planes):
            for column in range(across):
                index = (plane * down + row) * across + column
                page.parent.filehandle.seek(page.dataoffsets[index])
                packed = page.parent.filehandle.read(page.databytecounts[index])
                pixels, (_, _, _, left, _), shape = page.decode(packed or None, index, **tables)
                if pixels is not None:
                    part[plane, :, left : left + shape[2]] = pixels[0, :count, : page.imagewidth - left]
        yield np.moveaxis(part, 0, -1)[..., 0, :] if planes > 1 else part[0]

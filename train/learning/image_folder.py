"""The image folder of a data set: each split's pictures, under names that `datasets` opens, and their metadata."""

import json
import os
import shutil
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import imagecodecs
import numpy as np
import tifffile
from datasets.packaged_modules.imagefolder.imagefolder import ImageFolder
from tqdm import tqdm

from darkroom.files.archive import FrameSource
from darkroom.files.folder import composed
from darkroom.film.scan import open_scan
from learning.dataset import DataError

JPEG = (".jif", ".jfi", ".mpo")  # what `datasets` opens under another name only


def stored(frame: FrameSource) -> str:
    """The file name of a frame in a data set: its own where `datasets` opens it, else that of the JPEG or TIFF made of
    it."""
    suffix = Path(frame.name).suffix.lower()
    if suffix in ImageFolder.EXTENSIONS:
        return frame.name
    return f"{frame.name}{'.jpg' if suffix in JPEG else '.tif'}"


def _copy(frame: FrameSource, target: Path) -> None:
    """Copy a file that `datasets` opens; write a page, a raw or another file as a TIFF of the same pixels, with a
    profile where they are coded, so that it is read in the same light."""
    if target.suffix != ".tif" or target.name == composed(frame.path.name):
        shutil.copyfile(frame.path, target)
        return
    scan = open_scan(frame.path, frame.name, number=frame.number)
    icc = scan.icc or (None if scan.linear else bytes(imagecodecs.cms_profile("srgb")))
    tifffile.imwrite(target, scan.pixels, photometric="rgb", compression="zlib", iccprofile=icc, metadata=None)


def write(frames: list[FrameSource], records: list[dict], split: np.ndarray, out: Path) -> None:
    """Write an image folder from the frames, their records and their splits; `out` appears when it is complete. Raises
    DataError."""
    unfinished = out.with_name(f".{out.name}.unfinished")
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        targets = [unfinished / name / record["file_name"] for record, name in zip(records, split, strict=True)]
        for folder in {target.parent for target in targets}:
            folder.mkdir(parents=True, exist_ok=True)
        with ProcessPoolExecutor(os.cpu_count()) as pool:
            list(tqdm(pool.map(_copy, frames, targets, chunksize=4), "Copying", len(frames)))
        for name in np.unique(split):
            lines = [json.dumps(record) for record, place in zip(records, split, strict=True) if place == name]
            (unfinished / name / "metadata.jsonl").write_text("\n".join(lines) + "\n")
        unfinished.rename(out)
    except OSError as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise DataError(f"{out}: cannot be written ({error.strerror})") from None

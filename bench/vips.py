"""Would pyvips read and write scans better? Processor seconds and peak memory of both, and how far their pixels differ.

    pip install -r requirements-bench.txt
    python bench/vips.py                            # TIFFs of 100 megapixels
    python bench/vips.py --megapixels 400 --rounds 1

Each measurement runs in a process of its own, the library's and pyvips' in turn, both with one thread. Memory is the
peak above that of the imports. Files are drawn here and removed afterwards; one of 400 megapixels takes 2.4 GB of disk.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import imagecodecs
import numpy as np
import tifffile
from PIL import Image

from darkroom.files import limits
from darkroom.files.decode import decode
from darkroom.files.light import profiled
from darkroom.files.small import times_smaller
from darkroom.film.export import write_tiff
from darkroom.film.scan import open_scan

JPEG = 6000, 4000  # pixels of the JPEG
PROFILED = 1500, 1000  # pixels of the picture that is converted to sRGB
EXIF_CAMERA, EXPOSURE = 34665, 33434


def grain(width: int, height: int) -> np.ndarray:
    """(height, width, 3) uint16: a drawn negative, its grain repeated every 500 pixels."""
    noise = np.random.default_rng(0).normal(0, 300, (500, 500, 3))
    tile = (noise + np.array([26_000, 15_000, 9_000])).astype(np.uint16)
    return np.tile(tile, (-(-height // 500), -(-width // 500), 1))[:height, :width]


def draw(folder: Path, megapixels: int) -> dict[str, Path]:
    """The files of all cases, {case: path}."""
    width = round((megapixels * 1e6 * 4 / 3) ** 0.5)
    height = width * 3 // 4
    files = {case: folder / f"{case}.{suffix}" for case, (suffix, *_) in CASES.items()}
    exif = Image.Exif()
    exif[271] = "maker"
    exif.get_ifd(EXIF_CAMERA)[EXPOSURE] = (1, 60)
    Image.fromarray((grain(*JPEG) >> 8).astype(np.uint8)).save(files["JPEG, reduced"], quality=92, exif=exif)
    np.save(files["profile to sRGB"], grain(*PROFILED) / np.float32(65535))
    Image.fromarray((grain(*PROFILED) >> 8).astype(np.uint8)).save(files["16-bit TIFF with EXIF"], exif=exif)
    plain = tifffile.memmap(files["large TIFF, plain, reduced"], shape=(height, width, 3), dtype=np.uint16)
    for top in range(0, height, 500):
        plain[top : top + 500] = grain(width, min(500, height - top))
    plain.flush()
    packed = files["large TIFF, deflated, reduced"]
    tifffile.imwrite(packed, plain, photometric="rgb", compression="zlib", predictor=True, rowsperstrip=64)
    return files


def our_reduced(path: Path) -> np.ndarray:
    """The picture as `open_scan` reduces it, with the limits of size lifted."""
    limits.MAX_PIXELS, limits.MAX_BYTES, limits.MOST_MEMORY = 10**9, 10**11, 10**11
    return decode(path, path.name, small=True)[0]


def vips_reduced(path: Path) -> np.ndarray:
    """The same by libvips: JPEG while it is decoded, TIFF row by row."""
    import pyvips

    if path.suffix == ".jpg":
        with Image.open(path) as jpeg:
            times = times_smaller(*jpeg.size)
        return pyvips.Image.new_from_file(str(path), shrink=min(times, 8)).numpy()
    with tifffile.TiffFile(path) as tiff:
        height, width = tiff.pages.first.shape[:2]
    times = times_smaller(width, height)
    return pyvips.Image.new_from_file(str(path), access="sequential").shrink(times, times, ceil=True).numpy()


def our_profiled(path: Path) -> np.ndarray:
    """A picture in Adobe RGB, converted to sRGB, float32."""
    return profiled(np.load(path), imagecodecs.cms_profile("adobergb"))


def vips_profiled(path: Path) -> np.ndarray:
    """The same by libvips, which converts 16-bit numbers."""
    import pyvips

    deep = np.rint(np.load(path) * 65535).astype(np.uint16)
    picture = pyvips.Image.new_from_array(deep).copy(interpretation="rgb16")
    picture.set_type(pyvips.GValue.blob_type, "icc-profile-data", imagecodecs.cms_profile("adobergb"))
    return picture.icc_transform("srgb", embedded=True, depth=16, intent="perceptual").numpy() / np.float32(65535)


def our_written(path: Path) -> np.ndarray:
    """A positive written as a 16-bit TIFF; the EXIF entries that are in it."""
    write_tiff(path.with_suffix(".ours.tif"), grain(*PROFILED), open_scan(path))
    return kept(path.with_suffix(".ours.tif"))


def vips_written(path: Path) -> np.ndarray:
    """The same by libvips."""
    import pyvips

    picture = pyvips.Image.new_from_array(grain(*PROFILED)).copy(interpretation="rgb16")
    exif = pyvips.Image.new_from_file(str(path)).get("exif-data")
    picture.set_type(pyvips.GValue.blob_type, "exif-data", exif)
    target = path.with_suffix(".vips.tif")
    picture.tiffsave(str(target), compression="deflate", predictor="horizontal")
    return kept(target)


def kept(tiff: Path) -> np.ndarray:
    """The number of EXIF entries in a TIFF: its maker and its exposure time are two."""
    with Image.open(tiff) as opened:
        exif = opened.getexif()
        return np.array([(271 in exif) + (EXPOSURE in exif.get_ifd(EXIF_CAMERA))])


Work = Callable[[Path], np.ndarray]
CASES: dict[str, tuple[str, Work, Work]] = {
    "JPEG, reduced": ("jpg", our_reduced, vips_reduced),
    "profile to sRGB": ("npy", our_profiled, vips_profiled),
    "16-bit TIFF with EXIF": ("jpg", our_written, vips_written),
    "large TIFF, deflated, reduced": ("tif", our_reduced, vips_reduced),
    "large TIFF, plain, reduced": ("tif", our_reduced, vips_reduced),
}


def peak() -> float:
    """The greatest memory of this process so far, MB."""
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1000


def child(case: str, tool: int, path: Path) -> None:
    """Measure one case with one tool (0 ours, 1 pyvips) and print the figures as JSON; the result goes to a file."""
    import pyvips  # noqa: F401 - both processes have it, so that their memory before the work is the same

    before, began = peak(), time.process_time()
    result = CASES[case][1 + tool](path)
    figures = {"seconds": time.process_time() - began, "megabytes": peak() - before}
    np.save(path.with_suffix(f".{tool}.npy"), result)
    print(json.dumps(figures))


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--megapixels", type=int, default=100, help="of the large TIFFs")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if find_spec("pyvips") is None:
        print("pyvips is not installed: pip install -r requirements-bench.txt")
        return
    if args.child:
        child(args.child[0], int(args.child[1]), Path(args.child[2]))
        return
    print(
        f"{'':32}{'seconds':>16}{'':10}{'MB':>14}\n{'':32}{'ours':>8}{'pyvips':>8}{'ratio':>10}{'ours':>8}{'pyvips':>8}"
    )
    with tempfile.TemporaryDirectory() as folder:
        for case, path in draw(Path(folder), args.megapixels).items():
            taken: list[list[dict[str, float]]] = [[], []]
            for _ in range(args.rounds):
                for tool in (0, 1):
                    command = [sys.executable, __file__, "--child", case, str(tool), str(path)]
                    one_thread = os.environ | {"VIPS_CONCURRENCY": "1", "OMP_NUM_THREADS": "1"}
                    done = subprocess.run(command, env=one_thread, stdout=subprocess.PIPE, text=True, check=True)
                    taken[tool].append(json.loads(done.stdout))
            (ours, our_mb), (vips, vips_mb) = (
                [statistics.median(each[name] for each in runs) for name in ("seconds", "megabytes")] for runs in taken
            )
            print(f"{case:32}{ours:8.2f}{vips:8.2f}{vips / ours:10.2f}{our_mb:8.0f}{vips_mb:8.0f}  {apart(path)}")


def apart(path: Path) -> str:
    """How far the results of a case differ."""
    ours, vips = (np.load(path.with_suffix(f".{tool}.npy")).astype(np.float64) for tool in (0, 1))
    if ours.size == 1:
        return f"EXIF entries kept, of 2: {ours[0]:.0f}, {vips[0]:.0f}"
    if ours.shape != vips.shape:
        return f"shapes {ours.shape}, {vips.shape}"
    codes = np.abs(ours - vips) * (255 if ours.max() <= 1 else 1 if ours.max() < 256 else 255 / 65535)
    return f"differ by {codes.mean():.3f} codes of 255, at most {codes.max():.2f}"


if __name__ == "__main__":
    main()

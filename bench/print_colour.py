"""What the grade of a strip does for the colours of the density print.

    PYTHONPATH=train python bench/print_colour.py                   # 24 strips of drawn scenes
    PYTHONPATH=train python bench/print_colour.py --photos photos

Strips of six frames are drawn on a light table, as by train/strips.py, found, cut, and printed twice: by the grade of
the strip, which is its base and what all of its pictures hold, and each frame by itself. The cast of a print is by how
much its mean a* and b* (CIELAB) differ from those of the scene that was photographed. Printed are the mean size of the
cast, and by how much it differs between the frames of a strip, which ought to have one colour; with 95 % intervals over
strips of the difference that the grade makes.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms

from darkroom.files.folder import walk
from darkroom.film.base import grade_of
from darkroom.film.inversion import invert
from darkroom.film.scan import open_scan
from darkroom.frames.cut import cut
from simulator.arrangement import arranged
from simulator.capture import photograph
from simulator.filmstrip import strip

FRAMES, PER_MM = 6, 6.5  # of a strip; pixels a millimetre
SIDE = 48  # pixels of a picture whose mean colour is taken
DRAWS = 1000  # of strips, for the intervals


def colour(picture: np.ndarray) -> np.ndarray:
    """(2,) mean a* and b* of (H, W, 3) sRGB 0…1."""
    small = Image.fromarray(np.rint(picture * 255).astype(np.uint8)).resize((SIDE, SIDE), Image.Resampling.BOX)
    lab = ImageCms.buildTransform(*map(ImageCms.createProfile, ("sRGB", "LAB")), "RGB", "LAB")
    values = np.asarray(ImageCms.applyTransform(small, lab)).astype(np.int8)  # a* and b* are signed
    return values[..., 1:].mean(axis=(0, 1))


def casts(seed: int, photos: list[Path]) -> np.ndarray | None:
    """(2, 6, 2) casts of a strip's prints, by its grade and without; None where not all of its frames are found, or no
    base is seen well enough."""
    rng = np.random.default_rng((7, seed))
    film = strip("35 mm", FRAMES, PER_MM, photos, rng)
    file = photograph(arranged([film], "table", rng)[0], rng)
    frames = cut(open_scan(file, "strip.jpg"))
    if len(frames) != FRAMES or any(grade_of(frame.base) is None for frame in frames):
        return None
    prints = [[invert(f.rgb, "density", grade) for grade in (grade_of(f.base), None)] for f in frames]
    truth = [colour(scene) for scene in film.scenes]
    found = [[colour(each) - true for each in both] for both, true in zip(prints, truth, strict=True)]
    return np.array(found).transpose(1, 0, 2)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, help="folder of photographs; without it scenes are drawn")
    parser.add_argument("--strips", type=int, default=24)
    args = parser.parse_args()
    photos = walk(args.photos).pictures if args.photos else []
    with ProcessPoolExecutor() as pool:
        found = [each for each in pool.map(partial(casts, photos=photos), range(args.strips)) if each is not None]
    if not found:
        print(f"of {args.strips} strips none was found whole, with its base")
        return
    every = np.array(found)  # (strips, with or without, frames, a* b*)
    size = np.linalg.norm(every, axis=-1).mean(axis=-1)
    apart = np.linalg.norm(every - every.mean(axis=2, keepdims=True), axis=-1).mean(axis=-1)
    print(f"{len(found)} of {args.strips} strips found whole, with their base; CIELAB units")
    drawn = np.random.default_rng(0).integers(len(found), size=(DRAWS, len(found)))
    for title, values in (("cast of a print", size), ("from frame to frame", apart)):
        low, high = np.percentile((values[:, 0] - values[:, 1])[drawn].mean(axis=1), (2.5, 97.5))
        based, without = values.mean(axis=0)
        print(
            f"{title:20} by the strip {based:5.1f}, each by itself {without:5.1f}; difference {low:+.1f} … {high:+.1f}"
        )


if __name__ == "__main__":
    main()

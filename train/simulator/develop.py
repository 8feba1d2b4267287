"""From a scene to the file of its negative: exposed, developed, damaged, worn, mounted and photographed."""

from dataclasses import replace

import numpy as np

from darkroom.taxonomy import DEFECTS
from simulator.capture import mount, photograph, wear
from simulator.damage import DAMAGE
from simulator.dust import DustScan
from simulator.emulsion import FilmStock, add_grain, expose, film_stock
from simulator.film_ends import cut_off, overlapping
from simulator.leaks import innocent_leak
from simulator.visibility import placed_visibly

THIN = 0.15  # D from the 5 % to the 95 % point; an underexposed frame below it cannot be read
LEAK, OVERLAP, CUT = 0.15, 0.04, 0.05  # share of frames with light at the edge, a neighbour's strip, an early end
DENSE, FAIRLY_THIN = 0.05, 0.05  # share of frames exposed far more, or far less, than metered


def develop(
    scene: np.ndarray, wanted: dict[str, float], rng: np.random.Generator, dust: tuple[DustScan, ...] = ()
) -> tuple[bytes, np.ndarray]:
    """One negative of `scene` ((H, W, 3) sRGB 0…1) with the wanted damage, as far as it is visible: its JPEG and
    (H, W, 7) visible coverage, all 0 for a kind that the scene hides. dust: outlines of real dust.

    Film, damage, wear and camera draw from separate generators, so that with the same `rng` other damage, or none,
    leaves everything else unchanged.
    """
    film_rng, damage_rng, wear_rng, camera_rng = rng.spawn(4)
    roll = film_stock(film_rng)
    cast = film_rng.normal(0, 0.5, 3) * film_rng.choice([0.5, 1.5])
    contrast = film_rng.uniform(0.85, 1.35)
    stops = _exposure(scene, roll, cast, contrast, film_rng)
    coverage = np.zeros((*scene.shape[:2], len(DEFECTS)), np.float32)
    if "noise" in wanted:
        # Thinner by the severity: 5–95 % spans of .15 D at 0.7 down to .04 D at 3.
        goal = float(np.interp(wanted["noise"], [0.7, 2, 3], [THIN, 0.075, 0.04]))
        while stops > -9 and _span(expose(scene[::8, ::8], roll, stops, cast, contrast)) > goal:
            stops -= 0.25
        roll = replace(roll, grain=roll.grain * damage_rng.uniform(1, 2))
        roll = replace(roll, grain_size=roll.grain_size * damage_rng.uniform(1, 2.5))
        coverage[..., DEFECTS.index("noise")] = 1
    density = add_grain(expose(scene, roll, stops, cast, contrast), roll, film_rng)
    for share, happens in ((OVERLAP, overlapping), (LEAK, innocent_leak)):
        if wear_rng.random() < share:
            density = happens(density, roll.base, wear_rng)
    for kind, apply in DAMAGE.items():
        if kind in wanted:
            density, coverage[..., DEFECTS.index(kind)] = placed_visibly(
                apply, density, roll.base, wanted[kind], damage_rng
            )
    density = wear(density, roll.base, wear_rng, dust)
    if wear_rng.random() < CUT:
        density, coverage = cut_off(density, coverage, roll.base, wear_rng)
    density, coverage = mount(density, roll.base, coverage, wear_rng)
    quarters, mirrored = int(wear_rng.choice(4, p=[0.7, 0.12, 0.06, 0.12])), wear_rng.random() < 0.15
    density, coverage = (np.rot90(a[:, ::-1] if mirrored else a, quarters) for a in (density, coverage))
    return photograph(np.ascontiguousarray(density), camera_rng), coverage


def _exposure(scene: np.ndarray, roll: FilmStock, cast: np.ndarray, contrast: float, rng: np.random.Generator) -> float:
    """A deviation from the metered exposure, in stops, at which the frame stays readable."""
    stops, kind = float(np.clip(rng.normal(0.1, 0.9), -2.2, 2.5)), rng.random()
    if kind < DENSE:
        return float(rng.uniform(2.5, 4.2))
    if kind < DENSE + FAIRLY_THIN:
        stops = float(rng.uniform(-3.5, -2.2))
        while stops < -1 and _span(expose(scene[::8, ::8], roll, stops, cast, contrast)) < 1.2 * THIN:
            stops += 0.25
    return stops


def _span(density: np.ndarray) -> float:
    low, high = np.percentile(density.reshape(-1, 3), (5, 95), axis=0)
    return float((high - low).mean())

"""Features that distinguish kinds of picture, measured on the densities of the film, for the gate.

A negative's mask may look red, tan, grey or teal, so no feature asks for orange. The features measure how far the
lightest parts are from bare light and whether they share one hue, how each channel's density range compares to the
others', how much colour does not follow brightness, and where the contrast lies.
"""

from collections.abc import Callable
from functools import reduce

import numpy as np
from scipy.ndimage import binary_dilation, uniform_filter

from .percentiles import percentiles

SIDE = 160  # pixels on the long side; finer detail differs between scanners more than between kinds of picture
DENSEST = 5.0  # D; below the lowest codes of a file a density is only noise
LEAST = 64  # pixels of film; with fewer, all are taken
FLOOR = 2.4  # D; in an 8-bit file what is denser differs from its neighbour by the coding more than by its colour
FINE, WIDE = 5, 15  # pixels a side over which noise, and what is larger, is averaged
STEPS = 24  # knots of the curve that colour is taken to follow


def reduced(density: np.ndarray, inside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Density (H, W, 3) and the film's mask (H, W), averaged to at most `SIDE` pixels a side."""
    by = -(-max(inside.shape) // SIDE)
    height, width = (max(1, n // by) for n in inside.shape)
    rows, columns = min(by, inside.shape[0]), min(by, inside.shape[1])
    blocks = (height, rows, width, columns)
    planes = density[: height * rows, : width * columns].transpose(2, 0, 1).reshape(3, *blocks)
    strips = reduce(np.add, (planes[:, :, row] for row in range(rows)))  # slices are quicker added than axes
    planes = reduce(np.add, (strips[..., column] for column in range(columns))) / (rows * columns)
    inside = np.all(inside[: height * rows, : width * columns].reshape(blocks), axis=(1, 3))
    return planes.transpose(1, 2, 0), inside


Smooth = Callable[[np.ndarray, int], np.ndarray]


def smoother(inside: np.ndarray) -> Smooth:
    """A function that takes a plane (h, w) and pixels a side, and gives the mean around each pixel, of film alone."""
    weights = {} if inside.all() else {n: np.maximum(uniform_filter(inside, n, float), 1e-6) for n in (FINE, WIDE)}

    def smooth(plane: np.ndarray, side: int) -> np.ndarray:
        return uniform_filter(plane * inside, side) / weights[side] if weights else uniform_filter(plane, side)

    return smooth


def gate_features(density: np.ndarray, inside: np.ndarray) -> dict[str, float]:
    """The features by name; all finite.

    density, inside: as `reduced` gives them. "Light" is the lightest twentieth of the film, "dense" its densest, both
    by the mean of the channels; spans go from the 5 % to the 95 % point. Logarithms are to base 2.
    """
    density = np.minimum(density.astype(np.float64), DENSEST)
    if inside.sum() < LEAST:
        inside = np.ones_like(inside)
    values = np.stack([density[..., c][inside] for c in range(3)])  # (3, n)
    grey = values.mean(axis=0)
    q = percentiles(values, (1, 5, 50, 95, 99))
    lightest, light, middle, dense, densest = percentiles(grey[None], (1, 5, 50, 95, 99))[:, 0]
    spans = q[3] - q[1]
    span = max(float(spans.mean()), 0.01)
    found = {
        "span": np.log2(span),
        "span of blue": np.log2((spans[2] + 0.01) / (spans[1] + 0.01)),
        "span of red": np.log2((spans[0] + 0.01) / (spans[1] + 0.01)),
        "tails": np.log2(((q[4] - q[0]).mean() + 0.01) / (span + 0.01)),
        "balance": np.log2((dense - middle + 0.01) / (middle - light + 0.01)),
        "lightest": lightest,
        "densest": np.log2(densest + 0.05),
        "black": np.log2((values.min(axis=0) > 2.2).mean() + 0.001),
        "bare": np.log2((values.min(axis=0) < 0.03).mean() + 0.001),
    }
    found["skew"], found["peak"] = _shape(grey)
    seen = -np.log10(np.exp(-np.log(10) * density) + 10**-FLOOR)  # NumPy's ** is slow
    smooth = smoother(inside)
    found |= (
        _hues(np.stack([seen[..., c][inside] for c in range(3)]), grey, span)
        | _colours(seen, inside, span, smooth)
        | _places(density, inside, span, smooth)
    )
    return {name: float(value) for name, value in found.items()}


def _hues(values: np.ndarray, grey: np.ndarray, span: float) -> dict[str, float]:
    """The spread of hue and its change from light to dense parts, as magnitudes: the hue itself does not count. values:
    (3, n), density."""
    hue = values - grey
    low, below, above, high = percentiles(grey[None], (5, 40, 60, 95))[:, 0]
    thirds = {"light": grey <= low, "middle": (grey >= below) & (grey <= above), "dense": grey >= high}
    parts = {name: hue.compress(chosen, axis=1) for name, chosen in thirds.items()}
    means = {name: part.mean(axis=1) for name, part in parts.items()}
    spread = {name: np.sqrt(part.var(axis=1).sum()) for name, part in parts.items()}
    size = np.linalg.norm
    found = {f"spread of hue, {name}": np.log2(value / span + 0.01) for name, value in spread.items()}
    found |= {f"hue, {name}": np.log2(size(means[name]) + 0.02) for name in ("light", "dense")}
    found["travel of hue"] = np.log2((size(means["dense"] - means["light"]) + 0.02) / span)
    found["bend of hue"] = np.log2((size(means["dense"] - 2 * means["middle"] + means["light"]) + 0.01) / span)
    # Each channel over its own span: what is left of colour when contrast and light are taken out.
    low, median, high = percentiles(values, (5, 50, 95))[..., None]
    own = (values - median) / np.maximum(high - low, 0.03)
    own = np.clip(own, -4, 4)
    own -= own.mean(axis=0)
    colour = np.sqrt((own * own).sum(axis=0))
    found["colour"] = np.log2(colour.mean() + 0.01)
    found["colour with density"] = _rank_correlation(grey, colour)
    return found


def _colours(density: np.ndarray, inside: np.ndarray, span: float, smooth: Smooth) -> dict[str, float]:
    """How colour follows brightness once noise is averaged out, over the whole film and within a few pixels."""
    even = np.stack([smooth(density[..., c], FINE)[inside] for c in range(3)])
    rest = residual_colour(even[1], even[[0, 2]])
    typical = np.median(np.abs(rest - np.median(rest, axis=1, keepdims=True)), axis=1)
    found = {
        "red beside green": np.log2((rest[0].std() + 0.002) / span),
        "blue beside green": np.log2((rest[1].std() + 0.002) / span),
        "colour beside green": np.log2(np.hypot(*rest.std(axis=1)) + 0.002),
        "most of it": np.log2((np.hypot(*typical) + 0.002) / span),
    }
    # Light that differs in colour from place to place does so gradually; things in a scene end.
    planes = np.zeros((5, *inside.shape))
    for plane, values in zip(planes, (*rest, *even), strict=True):
        plane[inside] = values
    ending = np.stack([(plane - smooth(plane, WIDE))[inside] for plane in planes])
    red, blue, grey = np.median(np.abs([*ending[:2], ending[2:].mean(axis=0)]), axis=1)
    found["colour of structure"] = np.log2((np.hypot(red, blue) + 0.001) / (grey + 0.001))
    for a, b, name in ((2, 3, "red, green"), (3, 4, "green, blue"), (2, 4, "red, blue")):
        found[name] = np.arctanh(np.clip(_correlation(ending[a], ending[b]), -0.999, 0.9999))
    return found


def _places(density: np.ndarray, inside: np.ndarray, span: float, smooth: Smooth) -> dict[str, float]:
    """The distribution of detail: in light or dense parts, fine or coarse."""
    grey = density.mean(axis=-1, dtype=np.float64)
    even, wide = smooth(grey, FINE), smooth(grey, WIDE)
    away = ~binary_dilation(~inside, iterations=2)
    away = away if away.sum() >= LEAST else inside
    fine, coarse = (grey - even)[away], (even - wide)[away]
    found = {
        "detail": np.log2((fine.std() + 0.001) / span),
        "structure": np.log2((coarse.std() + 0.001) / (fine.std() + 0.001)),
    }
    found["skew of detail"], found["peak of detail"] = _shape(fine)
    found["skew of structure"], _ = _shape(coarse)
    contrast = np.sqrt(np.maximum(uniform_filter(grey**2, 5) - uniform_filter(grey, 5) ** 2, 0))[away]
    found["contrast with density"] = _rank_correlation(even[away], contrast)
    light, dense = np.percentile(even[away], (33, 67))
    ends = [np.median(contrast[chosen]) for chosen in (even[away] <= light, even[away] >= dense)]
    found["contrast, dense over light"] = np.log2((ends[1] + 0.003) / (ends[0] + 0.003))
    found["even ground"] = np.log2((np.percentile(contrast, 20) + 0.002) / span)
    found["beyond shading"] = np.log2(beyond_shading(even[None], inside)[0] + 0.001)
    return found


def beyond_shading(planes: np.ndarray, inside: np.ndarray, power: int = 2) -> np.ndarray:
    """(k,) standard deviation of what a polynomial of x and y leaves of each of k planes: next to nothing for one
    colour, however unevenly lit."""
    y, x = (axis[inside] for axis in np.mgrid[-1 : 1 : inside.shape[0] * 1j, -1 : 1 : inside.shape[1] * 1j])
    powers = [[np.ones_like(axis)] for axis in (x, y)]  # NumPy's ** is slow beyond 2
    for found, axis in zip(powers, (x, y), strict=True):
        for _ in range(power):
            found.append(found[-1] * axis)
    known = [powers[0][i] * powers[1][k] for i in range(power + 1) for k in range(power + 1 - i)]
    return _without(np.stack(known), planes[:, inside]).std(axis=1)


def residual_colour(green: np.ndarray, others: np.ndarray) -> np.ndarray:
    """What a curve through green density (n,) leaves of other channels' (k, n): little where colour follows brightness.

    A cubic, then a knot at the mean of every `STEPS`th part of the pixels: a channel at the bottom of its codes makes
    the curve hook as no cubic does.
    """
    x = (green - green.mean()) / max(float(green.std()), 1e-6)
    powers = np.stack([np.ones_like(x), x, x * x, x * x * x])
    rest = _without(powers, others)
    starts = np.linspace(0, x.size, STEPS, endpoint=False).astype(int)
    sums = np.add.reduceat(np.stack([x, *rest])[:, np.argsort(x)], starts, axis=1)
    at, *knots = sums / np.diff(starts, append=x.size)
    at = at + 1e-9 * np.arange(STEPS)  # a picture of one colour has them all in one place
    return np.stack([left - np.interp(x, at, knot) for left, knot in zip(rest, knots, strict=True)])


def _without(known: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(m, n): what the best mix of the rows of `known` (k, n) leaves of each row of `values` (m, n)."""
    ridge = 1e-6 * known.shape[1] * np.eye(len(known))  # a picture of one colour has no slope
    # Not by BLAS, whose threads spin for a while after each use: the network would wait for them.
    squares, products = (np.einsum("in,jn->ij", known, rows) for rows in (known, values))
    return values - np.einsum("im,in->mn", np.linalg.solve(squares + ridge, products), known)


def _shape(x: np.ndarray) -> tuple[float, float]:
    """Skewness, and log2 of the kurtosis, of values clipped at 8 standard deviations."""
    standardised = np.clip((x - x.mean()) / max(float(x.std()), 1e-4), -8, 8)
    square = standardised * standardised  # NumPy's ** is slow beyond 2
    return float((square * standardised).mean()), float(np.log2((square * square).mean() + 0.1))


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's, of values with 0.001 D of independent noise, so that one colour gives 0."""
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).mean() / np.sqrt(((a**2).mean() + 1e-6) * ((b**2).mean() + 1e-6)))


def _rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's over every fourth pixel, ties by position."""
    first, second = (np.argsort(np.argsort(x[::4], kind="stable")) for x in (a, b))
    return float(np.corrcoef(first, second)[0, 1])

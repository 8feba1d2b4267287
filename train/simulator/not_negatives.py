"""Pictures that are no colour negative, for `train/fit_gate.py`: positives, black-and-white, pages, no picture at all.

Each maker takes a photograph, (H, W, 3) sRGB 0…1, and a generator, and returns (H, W, 3) sRGB 0…1.
"""

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from simulator.capture import SEEN, mount, photograph
from simulator.emulsion import linear

LONG_SIDE = 360  # pixels of a page; the gate sees fewer
LETTERS = np.array(list("aaabcdeeeefghiiijklmnnnoooprrrsssttttuuvwy"))


def positive(photo: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A photograph as it is, or faded, with a cast or a border, or a slide or print photographed again."""
    kind = rng.random()
    if kind < 0.45:
        return photo
    if kind < 0.8:
        tone = photo ** rng.lognormal(0, 0.25)
        black, white = rng.uniform(0, 0.25) * rng.uniform(0.6, 1, 3), rng.uniform(0.75, 1) * rng.uniform(0.85, 1, 3)
        faded = black + (white - black) * tone ** rng.lognormal(0, 0.1, 3)
        grey = faded.mean(axis=-1, keepdims=True)
        return _bordered(np.clip(grey + (faded - grey) * rng.uniform(0.5, 1.5), 0, 1), rng)
    density = -np.log10(np.maximum(linear(photo), 10 ** -rng.uniform(1.8, 3.2))) * rng.uniform(0.8, 1.4)
    base = np.full(3, rng.uniform(0.05, 0.2), np.float32) + rng.uniform(0, 0.08, 3).astype(np.float32)
    if rng.random() < 0.5:  # a slide in its mount; a slide's rebate is black
        rebate = base + np.float32(rng.uniform(2, 3))
        density = _mounted(density + base, rebate, rng)
    return _photographed(density + base, rng)


def black_and_white(photo: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A silver negative, neutral or tinted by its base, stain or light; seldom a print, neutral or toned."""
    weights = rng.dirichlet((2, 4, 1)).astype(np.float32)
    grey = linear(photo) @ weights
    stops = np.log2(np.maximum(grey, 2e-3) / 0.18) * rng.uniform(0.8, 1.3) + rng.normal(0, 1)
    if rng.random() < 0.2:
        return _toned(photo @ weights, rng)
    toe = rng.uniform(0.6, 1.2)
    above = rng.uniform(0.12, 0.26) * toe * np.logaddexp(0, (stops + 4.3) / toe)
    top = rng.uniform(1.8, 2.8)
    above = top * np.tanh(above / top)
    above = above + _grain(above.shape, rng) * np.sqrt(np.maximum(above, 0) + 0.06)
    base = np.float32(rng.uniform(0.05, 0.4)) + rng.choice([0, 0.12]) * rng.standard_normal(3)
    layers = 1 + rng.choice([0, rng.uniform(0, 0.12)]) * rng.standard_normal(3)
    density = np.maximum(base, 0.02) + above[..., None] * layers
    density = _mounted(density.astype(np.float32), np.maximum(base, 0.02).astype(np.float32), rng)
    if rng.random() < 0.3:  # scanned as grey
        light = 10 ** -(density.mean(axis=-1) * rng.uniform(0.7, 1.3))
        light = light / np.percentile(light, rng.uniform(95, 99.9)) * rng.uniform(0.6, 1)
        grey = np.clip(light, 0, 1) ** (1 / rng.uniform(1.8, 2.4))
        tint = 1 - rng.choice([0, rng.uniform(0, 0.3)]) * rng.random(3)
        return grey[..., None] * tint / tint.max()
    return _photographed(density + _lamp(density.shape, rng), rng)


def _lamp(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Density that the colour of a warm lamp or a screen adds, (H, W, 3); mostly uneven over the picture."""
    y, x = np.ogrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
    slope = rng.choice([0, 0.06]) * rng.standard_normal((2, 3))
    colour = rng.choice([0, 0.12, 0.4], p=[0.3, 0.35, 0.35]) * rng.standard_normal(3)
    return (colour + x[..., None] * slope[0] + y[..., None] * slope[1]).astype(np.float32)


def _toned(grey: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    tone = grey ** rng.lognormal(0, 0.2)
    low, high = rng.choice([0, 0.2]) * rng.random(3), 1 - rng.choice([0, 0.3]) * rng.random(3)
    toned = low + (high - low) * tone[..., None] ** rng.lognormal(0, rng.choice([0, 0.15]), 3)
    return _bordered(_noisy(toned, rng), rng)


def page(photo: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Text on paper, perhaps with a picture, a table or a drawing: a clean scan, or a photograph of the sheet."""
    aspect = rng.choice([0.71, 0.77, 1.41, 0.56, 1.5])
    height, width = (LONG_SIDE, int(LONG_SIDE * aspect)) if aspect < 1 else (int(LONG_SIDE / aspect), LONG_SIDE)
    sheet = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(sheet)
    size = int(rng.choice([7, 8, 10, 13, 18]))
    font, heading = ImageFont.load_default(size), ImageFont.load_default(int(size * rng.uniform(1.4, 2.6)))
    margin, columns = int(width * rng.uniform(0.03, 0.14)), int(rng.choice([1, 1, 2, 3]))
    breadth = (width - 2 * margin) // columns
    ink = tuple(int(v) for v in rng.uniform(0, 70) * np.ones(3))
    colour = tuple(int(v) for v in rng.uniform(0, 200, 3))
    for column in range(columns):
        left, line = margin + column * breadth, margin
        if rng.random() < 0.6:
            pen.text((left, line), _words(rng, 3), fill=colour if rng.random() < 0.3 else ink, font=heading)
            line += int(size * 3)
        while line < height - margin - size:
            chance = rng.random()
            if chance < 0.04:
                tall = int(rng.uniform(0.1, 0.3) * height)
                figure = Image.fromarray((photo * 255).astype(np.uint8)).resize((max(8, breadth - size), tall))
                if rng.random() < 0.4:
                    figure = figure.convert("L").convert("RGB")
                sheet.paste(figure, (left, line))
                line += tall + size
            elif chance < 0.08:
                points = [(left + x, line + rng.uniform(0, 5 * size)) for x in range(0, max(10, breadth - size), size)]
                pen.line(points, fill=colour, width=int(rng.integers(1, 4)))
                line += 6 * size
            elif chance < 0.14:
                pen.line([(left, line), (left + breadth - size, line)], fill=ink, width=int(rng.integers(1, 3)))
                line += size
            elif chance < 0.2:
                line += int(size * rng.uniform(1, 4))
            else:
                text = _words(rng, 16)[: int(breadth / (0.53 * size) * rng.choice([1, 1, 1, rng.random()]))]
                pen.text((left, line), text, fill=ink, font=font)
                line += int(size * rng.uniform(1.25, 1.4))
    paper = 1 - rng.choice([0, 0.05, 0.2]) * rng.random(3)
    low = rng.choice([0, 0.15]) * rng.random()
    sheet = np.asarray(sheet, np.float32) / 255 * (paper - low) + low
    if rng.random() < 0.06:
        sheet = 1 - sheet  # white on black: a slide of a talk, a dark screen
    if rng.random() < 0.45:
        return _noisy(np.clip(sheet, 0, 1), rng, 0.01)
    return _laid_down(sheet.astype(np.float32), photo, rng)


def _words(rng: np.random.Generator, count: int) -> str:
    letters = rng.choice(LETTERS, 7 * count)
    letters[rng.integers(len(letters), size=count)] = " "
    return "".join(letters).capitalize()


def _laid_down(sheet: np.ndarray, photo: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Photographed on a table: turned, shaded, in warm or cold light."""
    edge = int(rng.choice([0, 0, rng.uniform(3, 35)]))
    table = np.full((sheet.shape[0] + 2 * edge, sheet.shape[1] + 2 * edge, 3), 0, np.float32)
    table[:] = photo[::9, ::9].reshape(-1, 3)[rng.integers(photo[::9, ::9].size // 3)]
    table[edge : table.shape[0] - edge, edge : table.shape[1] - edge] = sheet
    turn = rng.normal(0, 2)
    planes = [ndimage.rotate(table[..., c], turn, reshape=False, order=1, mode="nearest") for c in range(3)]
    light = linear(np.clip(np.stack(planes, -1), 0, 1)) + np.float32(rng.uniform(0, 0.03))
    y, x = np.ogrid[-1 : 1 : light.shape[0] * 1j, -1 : 1 : light.shape[1] * 1j]
    shade = 1 + rng.uniform(-0.35, 0.35) * x + rng.uniform(-0.35, 0.35) * y
    if rng.random() < 0.4:  # a shadow falls across it
        angle, at = rng.uniform(0, 6.28), rng.uniform(-0.7, 0.7)
        side = (np.cos(angle) * x + np.sin(angle) * y - at) / rng.uniform(0.02, 0.5)
        shade = shade * (1 - rng.uniform(0.2, 0.7) / (1 + np.exp(-np.clip(side, -30, 30))))
    light = light * np.maximum(shade, 0.1)[..., None] * rng.lognormal(0, rng.choice([0.03, 0.2]), 3)
    light *= rng.uniform(0.35, 1.1) / np.percentile(light, 95)
    light = ndimage.gaussian_filter(light, (soft := abs(rng.normal(0, 0.7)), soft, 0))
    return _noisy(np.clip(light, 0, 1) ** (1 / 2.2), rng)


def nothing(photo: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One colour, with or without shading and noise; or pure noise, grey or coloured, fine or coarse."""
    shape = photo.shape[:2]
    colour = rng.choice([np.full(3, rng.random()), rng.random(3), rng.choice([0.0, 1.0], 3)], p=[0.3, 0.6, 0.1])
    if rng.random() < 0.5:
        y, x = np.ogrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
        shade = 1 + rng.choice([0, 1]) * (rng.uniform(-0.3, 0.3) * x + rng.uniform(-0.3, 0.3) * y)
        shade = shade - rng.choice([0, rng.uniform(0, 0.4)]) * (x**2 + y**2) / 2
        plain = colour * np.broadcast_to(shade, shape)[..., None]
        return _noisy(np.clip(plain, 0, 1), rng, float(rng.choice([0, 0.02, 0.05])))
    coarse = int(rng.choice([1, 1, 1, 2, 4, 8, 16]))
    cells = (-(-shape[0] // coarse), -(-shape[1] // coarse), int(rng.choice([1, 3])))
    noise = rng.random(cells) - 0.5 if rng.random() < 0.5 else rng.standard_normal(cells) * 0.3
    noise = ndimage.gaussian_filter(noise, (soft := rng.choice([0, 0, rng.uniform(0, 2)]), soft, 0))
    noise = noise.repeat(coarse, 0).repeat(coarse, 1)[: shape[0], : shape[1]]
    strength = rng.uniform(0.05, 1) * (rng.lognormal(0, 0.3, 3) if rng.random() < 0.3 else 1)
    middle = np.full(3, 0.5) if rng.random() < 0.5 else colour
    return np.clip(middle + strength * noise / max(noise.std(), 1e-6) * 0.29, 0, 1)


MAKERS = (positive, black_and_white, page, nothing)


def _grain(shape: tuple, rng: np.random.Generator) -> np.ndarray:
    noise = ndimage.gaussian_filter(rng.standard_normal(shape, dtype=np.float32), rng.uniform(0.3, 0.8))
    return noise / noise.std() * np.float32(rng.uniform(0.01, 0.08))


def _noisy(picture: np.ndarray, rng: np.random.Generator, most: float = 0.03) -> np.ndarray:
    return np.clip(picture + rng.uniform(0, most) * rng.standard_normal(picture.shape), 0, 1)


def _bordered(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The picture with or without the scanner's white or black around it."""
    if rng.random() < 0.6:
        return picture
    edge = int(rng.uniform(0.01, 0.08) * picture.shape[1])
    return np.pad(picture, [(edge, edge), (edge, edge), (0, 0)], constant_values=rng.choice([0.01, 0.97, 1.0]))


def _mounted(density: np.ndarray, base: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Silver has the same density in all three channels, while `capture` weights the channels for a film's dyes."""
    layers = (density / SEEN).astype(np.float32)
    return mount(layers, base / SEEN, np.zeros((*density.shape[:2], 1), np.float32), rng)[0] * SEEN


def _photographed(density: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    file = photograph((density / SEEN).astype(np.float32), rng)
    return np.asarray(Image.open(io.BytesIO(file)), np.float32) / 255

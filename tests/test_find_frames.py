"""Frames are found on strips, sleeves and holders; a single frame is never cut in two."""

import io
import time

import numpy as np
import pytest
from PIL import Image, ImageDraw

from darkroom.film.scan import Scan, open_scan
from darkroom.frames import find_frames
from darkroom.frames.geometry import fitted_line
from simulator.arrangement import arranged
from simulator.capture import photograph
from simulator.develop import develop
from simulator.filmstrip import Filmstrip, strip
from simulator.overlap import overlap
from simulator.scenes import draw
from strips import simulated_photograph


def scan_of(pixels: np.ndarray) -> Scan:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=95, subsampling=0)
    return open_scan(file.getvalue(), "picture.jpg")


def photographed(films: list[Filmstrip], kind: str, seed: int = 0) -> tuple[Scan, np.ndarray]:
    """A picture of films, and its frames' corners as shares of it."""
    rng = np.random.default_rng(seed)
    density, corners = arranged(films, kind, rng)
    return open_scan(photograph(density, rng), "strip.jpg"), corners / density.shape[1::-1]


def strip_of(kind: str, count: int, seed: int = 1, per_mm: float = 5) -> Filmstrip:
    return strip(kind, count, per_mm, [], np.random.default_rng(seed))


@pytest.mark.parametrize("seed", range(6))
def test_a_borderless_frame_is_left_whole(seed):
    rng = np.random.default_rng(seed)
    file, _ = develop(draw(rng), {}, rng)
    assert len(find_frames(open_scan(file, "frame.jpg"))) == 1


@pytest.mark.parametrize("kind, count", [("35 mm", 6), ("35 mm", 2), ("half-frame", 6), ("6×6", 3), ("6×9", 2)])
def test_a_strip_on_a_light_table_becomes_its_frames(kind, count):
    scan, corners = photographed([strip_of(kind, count)], "table")
    found = find_frames(scan)
    assert len(found) == count
    assert np.mean(overlap(corners, np.array([f.polygon for f in found]), scan.small.shape)) > 0.85
    assert {f.format for f in found} == {kind}
    assert not any(f.whole for f in found) and len({f.strip for f in found}) == 1


def test_thirty_six_frames_of_a_sleeve_come_row_by_row_from_the_left():
    scan, corners = photographed([strip_of("35 mm", 6, seed, 3) for seed in range(6)], "sleeve")
    found = find_frames(scan)
    assert len(found) == 36
    middles = np.array([f.polygon.mean(axis=0) for f in found])
    assert np.abs(middles - corners.mean(axis=1)).max() < 0.03
    assert [f.strip for f in found] == [i // 6 for i in range(36)]


def test_an_upright_strip_is_read_downwards():
    scan, _ = photographed([strip_of("35 mm", 4)], "table")
    turned = scan_of(np.rot90(scan.small_pixels))
    found = find_frames(turned)
    rows = [f.polygon[:, 1].mean() for f in found]
    assert len(found) == 4 and rows == sorted(rows)
    assert all(abs(abs(f.travel) - 90) < 10 for f in found)
    assert all(np.argmin(f.polygon @ turned.small.shape[1::-1]) == 0 for f in found)  # the upper left corner first


def test_most_simulated_pictures_are_cut_right():
    exact, overlaps = [], []
    for number in range(8):
        file, _, _, corners = simulated_photograph(number, [], 3)
        scan = open_scan(file, "strip.jpg")
        found = find_frames(scan)
        with Image.open(io.BytesIO(file)) as opened:
            size = np.array(opened.size)
        exact.append(len(found) == len(corners))
        overlaps += overlap(corners / size, np.array([f.polygon for f in found]), scan.small.shape)
    assert sum(exact) >= 7
    assert np.mean(overlaps) > 0.85


def test_all_frames_of_a_strip_share_the_base_that_its_rebate_has():
    base = np.array([0.3, 0.6, 0.9])
    film = strip_of("35 mm", 4)
    rebate = np.median(film.density[25], axis=0)  # 5 mm from the edge, between holes and pictures
    density = film.density + (base - rebate).astype(np.float32)
    density[film.density[..., 0] == 0] = 0  # its holes
    canvas = np.zeros((film.density.shape[0] + 200, film.density.shape[1] + 200, 3), np.float32)
    canvas[100:-100, 100:-100] = density
    coded = np.maximum(10**-canvas, 0) ** (1 / 2.2)
    found = find_frames(scan_of((coded * 255).astype(np.uint8)))
    assert len(found) == 4 and len({id(f.base) for f in found}) == 1
    assert found[0].base.sure > 0.5
    assert np.allclose(found[0].base.density - found[0].base.light, base, atol=0.06)


def test_a_frame_between_two_rows_of_holes_that_fills_the_picture_is_cut_to_its_picture():
    film = strip_of("35 mm", 1, 4, 20)
    (found,) = find_frames(scan_of((np.maximum(10**-film.density, 0) ** (1 / 2.2) * 255).astype(np.uint8)))
    assert overlap(film.corners / film.density.shape[1::-1], found.polygon[None], film.density.shape[:2])[0] > 0.9


def on_table(
    films: list[tuple[Filmstrip, int, int]], discs: list[tuple[int, int, int]], bar: int = 0
) -> tuple[Scan, np.ndarray]:
    """Films and their upper left corners, dark discs (x, y, radius) beside them, and a dark bar of so many rows above,
    on a light table; and all frames' corners as shares of the picture."""
    table = np.zeros((900, 1200, 3), np.float32)
    table[:bar] = 2
    y, x = np.mgrid[0:900, 0:1200]
    for middle_x, middle_y, radius in discs:
        table[np.hypot(x - middle_x, y - middle_y) < radius] = 2
    for film, left, top in films:
        height, width = film.density.shape[:2]
        table[top : top + height, left : left + width] = film.density
    corners = np.concatenate([film.corners + np.array([left, top]) for film, left, top in films]) / (1200, 900)
    return scan_of((0.95 * 10 ** (-table / 2.2) * 255).astype(np.uint8)), corners


def test_what_touches_the_end_of_a_plain_strip_does_not_hide_its_frames():
    film = strip_of("6×6", 3, 2, 3.5)
    scan, corners = on_table([(film, 150, 300)], [(150 + film.density.shape[1] + 25, 420, 40)])
    found = find_frames(scan)
    assert len(found) == 3
    assert min(overlap(corners, np.array([f.polygon for f in found]), scan.small.shape)) > 0.7


@pytest.mark.parametrize("places", [[(100, 80), (760, 560)], [(760, 100)]])
def test_lone_frames_are_cut_wherever_they_lie_and_whatever_lies_beside(places):
    films = [(strip_of("6×7", 1, seed, 4), *place) for seed, place in enumerate(places, 1)]
    scan, corners = on_table(films, [(0, 880, 70), (330, 890, 70)])
    found = find_frames(scan)
    assert len(found) == len(places)
    assert min(overlap(corners, np.array([f.polygon for f in found]), scan.small.shape)) > 0.8


@pytest.mark.parametrize("kind, per_mm", [("35 mm", 6), ("6×6", 4)])
def test_fingers_that_hold_a_strip_and_the_edge_of_a_phone_do_not_hide_its_frames(kind, per_mm):
    film = strip_of(kind, 4, 2, per_mm)
    bottom = 80 + film.density.shape[0]
    scan, corners = on_table([(film, 90, 80)], [(300, bottom + 60, 90), (680, bottom + 75, 90)], bar=58)
    found = find_frames(scan)
    assert len(found) == 4
    assert min(overlap(corners, np.array([f.polygon for f in found]), scan.small.shape)) > 0.7


@pytest.mark.parametrize("kind, which", [("35 mm", 3), ("35 mm", 0), ("half-frame", 3)])
def test_an_underexposed_frame_at_the_end_of_a_strip_is_not_missed(kind, which):
    film = strip_of(kind, 4, 3)
    (left, top), _, (right, bottom), _ = film.corners[which].astype(int)
    picture = film.density[top:bottom, left:right]
    picture[:] = film.density[top - 4, left] + 0.06 * (picture - picture.min(axis=(0, 1)))
    scan, corners = on_table([(film, 60, 300)], [])
    found = find_frames(scan)
    assert len(found) == 4
    assert min(overlap(corners, np.array([f.polygon for f in found]), scan.small.shape)) > 0.8


@pytest.mark.parametrize("number", [48, 179])
def test_faint_frames_and_those_that_scissors_cut_end_a_strip_too(number):
    file, _, _, corners = simulated_photograph(number, [], 5)
    assert len(find_frames(open_scan(file, "strip.jpg"))) == len(corners)


def test_frames_that_run_into_each_other_are_cut_as_the_others_of_the_picture_are():
    rng, length = np.random.default_rng(0), 230
    picture = np.full((900, 1500, 3), 10, np.uint8)
    for row in (100, 500):
        for column in (60, 340, 620, 900):
            tones = np.linspace(60, 230, 320)[:, None] * rng.uniform(0.7, 1, 3)
            picture[row : row + 320, column : column + length] = tones[:, None]
    picture[100:420, 900 : 900 + length + 4] = picture[100:420, 900:901]
    picture[100:420, 900 + length : 900 + 2 * length] = picture[100:420, 900:901] - 12
    assert len(find_frames(scan_of(picture))) == 9


def test_a_lone_frame_loses_nothing_at_a_line_that_its_scene_has():
    picture = np.full((600, 900, 3), 12, np.uint8)
    picture[100:500, 150:750] = (200, 150, 120)
    picture[100:500, 290:750] = np.random.default_rng(0).integers(60, 110, (400, 460, 1), dtype=np.uint8)
    picture[130:330, 155:285] = 70  # beyond the line is more than clear film
    (found,) = find_frames(scan_of(picture))
    whole = np.array([[(150, 100), (750, 100), (750, 500), (150, 500)]]) / (900, 600)
    assert overlap(whole, found.polygon[None], (600, 900))[0] > 0.95


def test_of_a_strip_that_fills_the_picture_what_its_border_hides_does_not_count():
    film = strip_of("6×6", 3, 3)
    (left, _), (right, _) = film.corners[0, 0], film.corners[2, 1]
    inner = film.density[10:-10, round(left + 4) : round(right - 4)]
    found = find_frames(scan_of((0.95 * 10 ** (-inner / 2.2) * 255).astype(np.uint8)))
    assert len(found) == 3 and found[0].polygon[0, 0] < 0.02 and found[2].polygon[1, 0] > 0.98


def test_a_line_is_that_of_most_points_whatever_the_others_do():
    x = np.arange(200.0)
    y = 30 + 0.1 * x + np.random.default_rng(0).normal(0, 0.3, 200)
    y[60:150] = 5  # something adjoins nearly half of it
    slope, offset = fitted_line(x, y, 1.5)
    assert slope == pytest.approx(0.1, abs=0.005) and offset == pytest.approx(30, abs=0.5)


def test_no_film_means_the_whole_picture():
    page = Image.new("RGB", (800, 1100), "white")
    drawing = ImageDraw.Draw(page)
    for row in range(60, 1040, 22):
        for column in range(60, 740, 26):
            drawing.rectangle((column, row, column + 18, row + 10), fill="black")
    grey = np.full((300, 400, 3), 128, np.uint8)
    for pixels in (np.asarray(page), grey, np.zeros_like(grey), np.full_like(grey, 255)):
        (found,) = find_frames(scan_of(pixels))
        assert found.whole and found.polygon.tolist() == [[0, 0], [1, 0], [1, 1], [0, 1]]


@pytest.mark.parametrize("shape", [(30, 200), (16, 40), (23, 23)])
def test_a_tiny_or_narrow_picture_is_one_frame(shape):
    rng = np.random.default_rng(0)
    assert len(find_frames(scan_of(rng.integers(0, 256, (*shape, 3), dtype=np.uint8)))) == 1


def test_a_very_wide_strip_is_cut():
    films = [strip_of("35 mm", 18, 5, 4)]
    density = films[0].density
    pixels = (np.maximum(10**-density, 0) ** (1 / 2.2) * 255).astype(np.uint8)
    wide = np.asarray(Image.fromarray(pixels).resize((30_000, round(30_000 * pixels.shape[0] / pixels.shape[1]))))
    assert abs(len(find_frames(scan_of(wide))) - 18) <= 1


@pytest.mark.parametrize("kind", ["checkerboard", "maze", "stripes", "noise"])
def test_hostile_pictures_take_bounded_time(kind):
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:800, :1100]
    bits = {
        "checkerboard": (y // 3 + x // 3) % 2,
        "maze": np.kron(rng.integers(0, 2, (200, 275)), np.ones((4, 4), int)) | (y % 8 < 2),
        "stripes": x // 20 % 2,
        "noise": rng.integers(0, 2, y.shape),
    }[kind]
    scan = scan_of(np.repeat((bits * 255).astype(np.uint8)[..., None], 3, axis=2))
    spent = time.process_time()
    find_frames(scan)
    assert time.process_time() - spent < 3

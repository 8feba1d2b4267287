#!/usr/bin/env bash
# How the bundled model is made from pictures: FILM is a folder with index.csv (columns file, use, readable) of real
# negatives (negatives/) and real film scans (scans/), PHOTOS one of photographs.
#
#     bash train/recipe.sh FILM PHOTOS
#
# The network is that of commit 202d806 (space/weights/model.safetensors); this fits its calibration, on frames of which
# a quarter are real negatives and nearly half real film scans, and writes runs/bundled. About 15 minutes on two cores.
set -euo pipefail
cd "$(dirname "$0")/.."
film=$1 photos=$2 python=.venv/bin/python
rm -rf data/learn && mkdir -p data/learn/{scenes,negatives}
# Only what may be learnt from, and is readable: damage is put on it.
$python - "$film" "$photos" <<'PYTHON'
import csv, shutil, sys
from pathlib import Path
film, photos = map(Path, sys.argv[1:])
for row in csv.DictReader((film / "index.csv").open()):
    kind = {"negatives": "negatives", "scans": "scenes"}.get(row["file"].split("/")[0])
    if kind and row["use"] == "learn" and row["readable"] == "1":
        shutil.copy(film / row["file"], Path("data/learn") / kind)
for path in sorted(photos.rglob("*.jpg"))[::12]:
    shutil.copy(path, Path("data/learn/scenes") / path.name)
PYTHON
rm -rf data/film runs/bundled
$python train/simulate.py data/film --photos data/learn/scenes --negatives data/learn/negatives --count 1000 --seed 5
$python train/run.py --data data/film --init space/weights --input-size 576 --epochs 0 --name bundled
# The card is filled from the run's own report.
PYTHONPATH=train $python -c 'from pathlib import Path; from cards import model_card
Path("runs/bundled/model/README.md").write_text(model_card(Path("runs/bundled"), "darkroom", []), encoding="utf-8")'

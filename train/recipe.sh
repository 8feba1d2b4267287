#!/usr/bin/env bash
# How the bundled model is made from pictures: FILM is a folder with index.csv (columns file, use, readable, damage,
# photographer) of real negatives (negatives/) and real film scans (scans/), PHOTOS one of photographs, DUST one of
# outlines of dust.
#
#     bash train/recipe.sh FILM PHOTOS DUST
#
# The network is that of commit 202d806 (space/weights/model.safetensors); this fits its calibration, on frames of which
# a quarter are real negatives and nearly half real film scans, and writes runs/bundled. About 15 minutes on two cores.
set -euo pipefail
cd "$(dirname "$0")/.."
film=$1 photos=$2 dust=$3 python=.venv/bin/python
rm -rf data/learn && mkdir -p data/learn/{scenes,negatives,damaged}
# Only what may be learnt from. Damage is put on what is readable; scans of damaged film are sorted by its kind.
$python - "$film" "$photos" <<'PYTHON'
import csv, shutil, sys
from pathlib import Path
film, photos = map(Path, sys.argv[1:])
learn = Path("data/learn")
kinds = {"underexposed": "noise", "blank": "blank_area", "blank_area": "blank_area", "light_leak": "light_leak"}
for row in csv.DictReader((film / "index.csv").open()):
    folder, whose = row["file"].split("/")[0], row["photographer"]
    if row["use"] != "learn" or folder not in ("negatives", "scans"):
        continue
    if row["readable"] == "1":
        place = learn / "negatives" / whose if folder == "negatives" else learn / "scenes"
    elif row["readable"] == "0" and folder == "scans":
        named = {kinds.get(word, "unknown") for word in row["damage"].split(";")}
        place = learn / "damaged" / (named.pop() if len(named) == 1 else "unknown") / whose
    else:
        continue
    place.mkdir(parents=True, exist_ok=True)
    shutil.copy(film / row["file"], place)
for path in sorted(photos.rglob("*.jpg"))[::12]:
    shutil.copy(path, learn / "scenes" / path.name)
PYTHON
rm -rf data/film runs/bundled
$python train/simulate.py data/film --photos data/learn/scenes --negatives data/learn/negatives \
    --damaged data/learn/damaged --dust "$dust" --count 1000 --seed 5
$python train/run.py --data data/film --init space/weights --input-size 576 --epochs 0 --name bundled
# The card is filled from the run's own report.
PYTHONPATH=train $python -c 'from pathlib import Path; from cards import model_card
Path("runs/bundled/model/README.md").write_text(model_card(Path("runs/bundled"), "darkroom", []), encoding="utf-8")'

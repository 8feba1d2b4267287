#!/usr/bin/env bash
# How a model is made from film; the bundled one was trained by this script as it is in commit bfb4459. FILM is a folder
# with index.csv (columns file, use, readable, photographer) of real negatives (negatives/) and real film scans (scans/),
# PHOTOS one of photographs, DUST one of outlines of real dust.
#
#     bash train/recipe.sh FILM PHOTOS DUST
#
# It begins with the model of commit c7a0268, whose script is in commit 7869fff, and trains all of it but the first stage
# on squares of frames in proportion: real negatives with damage put on them, real film scans made negatives again,
# photographs, drawn scenes. Killed, it goes on from its last epoch when it is called again. The calibration is fitted on
# frames that are made of what the training did not see. Writes runs/trained and runs/bundled.
set -euo pipefail
cd "$(dirname "$0")/.."
film=$1 photos=$2 dust=$3 python=.venv/bin/python
if [ ! -d data/film ]; then
    rm -rf data/learn
    # Only what may be learnt from. What is readable gets its damage from the simulator.
    $python - "$film" "$photos" <<'PYTHON'
import csv, shutil, sys
from pathlib import Path
film, photos, learn = *map(Path, sys.argv[1:]), Path("data/learn")
for row in csv.DictReader((film / "index.csv").open()):
    scanned = {"scans": True, "negatives": False}.get(row["file"].split("/")[0])
    if scanned is None or row["use"] != "learn" or (row["readable"], scanned) == ("0", False):
        continue
    folder = {
        ("1", False): learn / "negatives" / row["photographer"],
        ("1", True): learn / "scenes",
        ("0", True): learn / "damaged" / "unknown" / row["photographer"],
    }.get((row["readable"], scanned))
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(film / row["file"], folder)
for number, path in enumerate(sorted(photos.rglob("*.jpg"))):
    if number % 20 != 2:  # the others serve the calibration
        shutil.copy(path, learn / "scenes" / path.name)
PYTHON
    $python train/simulate.py data/film --photos data/learn/scenes --negatives data/learn/negatives \
        --damaged data/learn/damaged --dust "$dust" --count 4400 --seed 11
fi
if [ ! -d data/begun ]; then
    mkdir -p data/begun.part
    for file in config.json model.safetensors; do
        git show "c7a0268:space/weights/$file" > "data/begun.part/$file"
    done
    $python -c 'import json, pathlib
config = pathlib.Path("data/begun.part/config.json")
config.write_text(json.dumps(json.loads(config.read_text()) | {"one_in": 10}))'  # there kinds answered with all cells
    mv data/begun.part data/begun
fi
$python train/run.py --data data/film --init data/begun --crop 288 --freeze 2 --lr 5e-4 --blend 0.5 --name trained \
    --resume
if [ ! -d data/held ]; then
    rm -rf data/unseen
    # What is in the splits that were not trained on, less the photographs that the earlier training saw; and more.
    $python - "$photos" <<'PYTHON'
import json, shutil, sys
from pathlib import Path
learn, unseen = Path("data/learn"), Path("data/unseen")
photos = sorted(Path(sys.argv[1]).rglob("*.jpg"))
known = {path.name for number, path in enumerate(photos) if number % 5 < 2}
for split in ("validation", "test"):
    for line in Path(f"data/film/{split}/metadata.jsonl").read_text().splitlines():
        source = json.loads(line)["source"]
        kind, _, name = source.partition("/")
        if kind == "drawn" or source in known:
            continue
        name = {"real": f"negatives/{name}"}.get(kind, f"scenes/{source}")
        (unseen / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(learn / name, unseen / name)
for path in photos[2::20]:
    shutil.copy(path, unseen / "scenes" / path.name)
PYTHON
    $python train/simulate.py data/held --photos data/unseen/scenes --negatives data/unseen/negatives \
        --dust "$dust" --count 1200 --seed 8
fi
rm -rf runs/bundled
$python train/run.py --data data/held --init runs/trained/model --epochs 0 --name bundled
# The card is filled from the run's own report.
PYTHONPATH=train $python -c 'from pathlib import Path; from hub.cards import model_card
Path("runs/bundled/model/README.md").write_text(model_card(Path("runs/bundled"), "USER/darkroom", []), encoding="utf-8")'

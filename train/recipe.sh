#!/usr/bin/env bash
# How a model is made from film; the bundled one is by this script as it is in commit 7869fff. FILM is a folder with
# index.csv (columns file, use, readable, photographer) of real negatives (negatives/) and real film scans (scans/),
# PHOTOS one of photographs, DUST one of outlines of real dust.
#
#     bash train/recipe.sh FILM PHOTOS DUST
#
# It begins with the network of commit 202d806 and trains its last two stages and its head on squares of frames in
# proportion: real negatives with damage put on them, real film scans made negatives again, photographs, drawn scenes.
# Killed, it goes on from its last epoch when it is called again. The calibration is fitted on frames that are made of
# what the training did not see. Writes runs/trained and runs/bundled.
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
    if number % 5 < 2:
        shutil.copy(path, learn / "scenes" / path.name)
PYTHON
    $python train/simulate.py data/film --photos data/learn/scenes --negatives data/learn/negatives \
        --damaged data/learn/damaged --dust "$dust" --count 2800 --seed 7
fi
if [ ! -d data/begun ]; then  # that network's head knew no density span: its weights begin at 0
    mkdir -p data/begun.part
    for file in weights/config.json weights/model.safetensors darkroom/negative.json; do
        git show "202d806:space/$file" > "data/begun.part/$(basename "$file")"
    done
    $python - <<'PYTHON'
import json
from pathlib import Path
import torch
from safetensors.torch import load_file, save_file
folder = Path("data/begun.part")
state, config = load_file(folder / "model.safetensors"), json.loads((folder / "config.json").read_text())
state["head.weight"] = torch.nn.functional.pad(state["head.weight"], (0, 1))
save_file(state, folder / "model.safetensors")
kept = {name: config[name] for name in ("labels", "defects", "input_size")}
kept["gate"] = json.loads((folder / "negative.json").read_text())  # then a file among the sources
(folder / "config.json").write_text(json.dumps(kept))
PYTHON
    mv data/begun.part data/begun
fi
$python train/run.py --data data/film --init data/begun --input-size 672 --crop 288 --freeze 4 --batch-size 32 \
    --lr 5e-4 --epochs 8 --name trained --resume
if [ ! -d data/held ]; then
    rm -rf data/unseen
    # What is in the splits that were not trained on, and more photographs.
    $python - "$photos" <<'PYTHON'
import json, shutil, sys
from pathlib import Path
learn, unseen = Path("data/learn"), Path("data/unseen")
for split in ("validation", "test"):
    for line in Path(f"data/film/{split}/metadata.jsonl").read_text().splitlines():
        source = json.loads(line)["source"]
        kind, _, name = source.partition("/")
        if kind == "drawn":
            continue
        name = {"real": f"negatives/{name}", "damaged": source}.get(kind, f"scenes/{source}")
        (unseen / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(learn / name, unseen / name)
for path in sorted(Path(sys.argv[1]).rglob("*.jpg"))[2::20]:
    shutil.copy(path, unseen / "scenes" / path.name)
PYTHON
    $python train/simulate.py data/held --photos data/unseen/scenes --negatives data/unseen/negatives \
        --damaged data/unseen/damaged --dust "$dust" --count 1200 --seed 8
fi
rm -rf runs/bundled
$python train/run.py --data data/held --init runs/trained/model --epochs 0 --name bundled
# The card is filled from the run's own report.
PYTHONPATH=train $python -c 'from pathlib import Path; from hub.cards import model_card
Path("runs/bundled/model/README.md").write_text(model_card(Path("runs/bundled"), "USER/darkroom", []), encoding="utf-8")'

"""What the bundled model says of the page's examples, as JSON.

python bench/examples.py > tests/bundled.json      # when another model is bundled: the tests hold it to this
"""

import json
from pathlib import Path

from darkroom.judge.verdict import Judge, Verdict, load

SPACE = Path(__file__).resolve().parents[1] / "space"
EXAMPLES = sorted((SPACE / "examples").glob("*.jpg"))


def verdicts(judge: Judge) -> dict[str, Verdict]:
    """Of each example, by its file's name."""
    return {path.name: judge.judge(path) for path in EXAMPLES}


def brief(verdict: Verdict) -> dict[str, str | float]:
    """The verdict, the likeliest kind of damage, the probability of readable."""
    kind = (verdict.found or [""])[0]
    return {"verdict": verdict.verdict, "kind": kind, "p_normal": round(verdict.p_normal, 4)}


if __name__ == "__main__":
    print(json.dumps({name: brief(verdict) for name, verdict in verdicts(load()).items()}, indent=2))

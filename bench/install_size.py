"""What an installation takes: GB on disk, and seconds, into an environment of its own.

python bench/install_size.py                       # of what the page needs; or another file of requirements
"""

import argparse
import subprocess
import tempfile
import time
import venv
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "space" / "requirements.txt"


def measured(requirements: Path) -> tuple[float, float]:
    """GB and seconds. Raises CalledProcessError where pip fails."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        venv.create(folder, with_pip=True)
        pip = [Path(folder, "bin", "python"), "-m", "pip", "install", "--quiet", "--no-cache-dir", "-r", requirements]
        subprocess.run(pip, check=True, stdout=subprocess.DEVNULL)
        taken = time.perf_counter() - began
        size = sum(path.lstat().st_blocks * 512 for path in Path(folder).rglob("*"))
    return size / 1e9, taken


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("requirements", type=Path, nargs="?", default=PAGE)
    gigabytes, taken = measured(parser.parse_args().requirements)
    print(f"{gigabytes:.2f} GB in {taken:.0f} s")


if __name__ == "__main__":
    main()

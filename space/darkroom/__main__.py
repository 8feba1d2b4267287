"""`python -m darkroom`: the command, also where the library is not installed."""

from .command import run

run()

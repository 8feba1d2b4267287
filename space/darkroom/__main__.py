"""`python -m darkroom`: the command, also where the library is not installed."""

import sys

from .command import main

sys.exit(main())

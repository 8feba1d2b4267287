"""Environment variables that libraries read on import; therefore `conftest.py` imports this module first.

A private home keeps the user's token and cache out of the tests. Each process has one thread, because the processes
fill the cores.
"""

import os
import tempfile

from local_hub import Hub

HUB = Hub()  # nothing in the tests can reach the real one
HF_HOME = tempfile.mkdtemp(prefix="darkroom-hf-")
os.environ |= {
    "HF_HOME": HF_HOME,
    "HF_HUB_DISABLE_XET": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_ENDPOINT": HUB.endpoint,
    "GRADIO_ANALYTICS_ENABLED": "False",
    "OMP_NUM_THREADS": "1",
    "ACCELERATE_USE_CPU": "true",
}
for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE", "MODEL_ID", "MODEL_REVISION"):
    os.environ.pop(name, None)

"""Runs the command again and again in forks of one process that has imported everything, and kills it where it is told.

Reads a JSON object a line: {"words": of the command, "at": the event before which it is killed, or null, "after":
seconds after which it is killed, or null}; answers each with {"code": exit code, negative for a signal, "events": how
many there were, or null where it was killed}. An
event is an SQL statement, or a file that is opened, renamed or deleted.
"""

import json
import os
import select
import signal
import sys
import threading
from functools import cache

from darkroom import command, score_command  # noqa: F401
from darkroom.film import export, preview, scan  # noqa: F401
from darkroom.judge import contact  # noqa: F401
from darkroom.scoring import journal, manifest, run  # noqa: F401

EVENTS = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.rmtree")


def child(words: list[str], at: int | None, answer: int) -> None:
    counted, lock = 0, threading.Lock()

    def count(*_: object) -> None:
        nonlocal counted
        with lock:
            counted += 1
            if counted == at:
                os.kill(os.getpid(), signal.SIGKILL)

    def connected(*arguments: object, **named: object):
        db = honest(*arguments, **named)
        db.set_trace_callback(count)
        return db

    honest, journal._connected = journal._connected, connected
    sys.addaudithook(lambda event, arguments: count() if event in EVENTS else None)
    code = command.main(words)
    os.write(answer, json.dumps(counted).encode())
    os._exit(code)


def main() -> None:
    manifest.model = cache(manifest.model)  # loaded once, before the first fork
    for line in sys.stdin:
        asked = json.loads(line)
        manifest.model(asked["words"][asked["words"].index("--weights") + 1])
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                child(asked["words"], asked["at"], writing)
            finally:
                os._exit(99)
        os.close(writing)
        if asked["after"] is not None:
            select.select([reading], [], [], asked["after"])  # or until it has ended
            os.kill(pid, signal.SIGKILL)
        events = os.read(reading, 100)
        os.close(reading)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        print(json.dumps({"code": code, "events": json.loads(events) if events else None}), flush=True)


if __name__ == "__main__":
    main()

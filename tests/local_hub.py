"""A Hugging Face Hub on the loopback, for the real client: repositories, commits, large files, tags, tokens, faults.

    hub = Hub(); hub.endpoint        # http://127.0.0.1:PORT, for HF_ENDPOINT
    hub.fault(r"resolve/.*safetensors", cut=1000)

Everything is in memory; hub_http.py has the routes.
"""

import re
import secrets
import threading
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer

from hub_http import LARGE, Handler


@dataclass
class Repo:
    """The commits of one repository, {sha: {path: (bytes, whether large)}}, and its branches and tags, {name: sha}."""

    commits: dict[str, dict] = field(default_factory=lambda: {"0" * 40: {}})
    branches: dict[str, str] = field(default_factory=lambda: {"main": "0" * 40})
    tags: dict[str, str] = field(default_factory=dict)
    private: bool = False
    gated: bool = False
    variables: dict[str, str] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)

    def commit(self, branch: str, files: dict, message: str) -> str:
        sha = secrets.token_hex(20)
        self.commits[sha], self.branches[branch] = files, sha
        self.messages.append(message)
        return sha

    def at(self, revision: str) -> tuple[str, dict] | None:
        sha = self.branches.get(revision) or self.tags.get(revision) or revision
        return (sha, self.commits[sha]) if sha in self.commits else None


@dataclass
class Fault:
    """A fault injected into requests whose path matches: an HTTP `status`, a body `cut` after that many bytes, `slow`
    by that many seconds, `wrong` bytes in it, or no answer at all; `times`: how often."""

    path: re.Pattern
    times: int
    status: int = 0
    cut: int | None = None
    slow: float = 0
    wrong: bool = False
    silent: bool = False


class Hub:
    def __init__(self) -> None:
        self.token = "hf_" + secrets.token_hex(17)
        self.repos: dict[tuple[str, str], Repo] = {}
        self.large: dict[str, bytes] = {}
        self.faults: list[Fault] = []
        self.log: list[tuple[str, str]] = []  # (method, path)
        self.lock = threading.RLock()
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"hub": self}))
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.endpoint = f"http://127.0.0.1:{server.server_port}"

    def fault(self, path: str, *, times: int = 1, **what: object) -> None:
        self.faults.append(Fault(re.compile(path), times, **what))

    def repo(self, kind: str, name: str, **options: bool) -> Repo:
        """The repository, made where there is none."""
        return self.repos.setdefault((kind, name), Repo(**options))

    def put(self, name: str, files: dict[str, bytes], kind: str = "models", **options: bool) -> str:
        """A repository with these files, without the client. Returns the commit."""
        repo = self.repo(kind, name, **options)
        return repo.commit("main", {path: (data, len(data) > LARGE) for path, data in files.items()}, "put")

    def files(self, name: str, kind: str = "models", revision: str = "main") -> dict[str, bytes]:
        return {path: data for path, (data, _) in self.repos[kind, name].at(revision)[1].items()}

    def holds(self, words: str) -> bool:
        """Whether any file of any commit has these words in it."""
        commits = (files for repo in self.repos.values() for files in repo.commits.values())
        return any(words.encode() in content for files in commits for content, _ in files.values())

    def taken(self, path: str) -> Fault | None:
        """The fault of this request, whose `times` is reduced by one."""
        with self.lock:
            for fault in self.faults:
                if fault.times and fault.path.search(path):
                    fault.times -= 1
                    return fault
        return None

"""The routes of the local Hub: what the real one answers to `huggingface_hub`, the `hf` command and `datasets`."""

import base64
import hashlib
import json
import re
import time
from functools import cache
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from local_hub import Hub, Repo

USER = "tester"
LARGE = 1024  # bytes; what is larger travels as a large file, named by its SHA-256
REPO_TYPES = ("models", "datasets", "spaces")


@cache
def large_name(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@cache
def git_name(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: "Hub"

    def log_message(self, *_: object) -> None:
        pass

    def do(self) -> None:
        chunked = self.headers.get("Transfer-Encoding", "").lower() == "chunked"
        self.body = self._chunks() if chunked else self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = unquote(urlsplit(self.path).path)
        self.hub.log.append((self.command, path))
        self.broken = self.hub.taken(f"{self.command} {path}")
        if self.broken and self.broken.silent:
            self.close_connection = True
        elif self.broken and self.broken.status:
            self.say({"error": "injected"}, self.broken.status)
        else:
            self.route(path)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do

    def _chunks(self) -> bytes:
        data = b""
        while size := int(self.rfile.readline(), 16):
            data += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return data

    @property
    def json(self) -> dict:
        return json.loads(self.body or b"{}")

    @property
    def trusted(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {self.hub.token}"

    def say(self, answer: object, status: int = 200, code: str = "", **headers: str) -> None:
        """Send JSON, or bytes as they are; `code` is the Hub's error code."""
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        headers |= {"X-Error-Code": code, "X-Error-Message": code} if code else {}
        if not isinstance(answer, bytes):
            headers["Content-Type"] = "application/json"
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command == "HEAD":
            return
        broken = self.broken
        if broken and broken.wrong:
            data = data[::-1]
        if broken and broken.slow:
            time.sleep(broken.slow)
        if broken and broken.cut is not None:
            data, self.close_connection = data[: broken.cut], True
        self.wfile.write(data)

    def route(self, path: str) -> None:
        if path == "/api/whoami-v2":
            if not self.trusted:
                return self.say({"error": "Invalid username or password."}, 401)
            auth = {"type": "access_token", "accessToken": {"role": "write", "displayName": "tests"}}
            return self.say({"name": USER, "type": "user", "orgs": [], "auth": auth})
        if path == "/api/validate-yaml":
            return self.say({"errors": [], "warnings": []})
        if path == "/api/repos/create":
            return self.create()
        if match := re.fullmatch(r"/large/(\w{64})", path):
            if hashlib.sha256(self.body).hexdigest() != match[1]:
                return self.say({"error": "checksum"}, 400)
            self.hub.large[match[1]] = self.body
            return self.say({})
        if match := re.fullmatch(r"/(datasets/|spaces/)?([^/]+/[^/]+)\.git/info/lfs/objects/batch", path):
            return self.batch()
        if match := re.fullmatch(r"/(datasets/|spaces/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            kind, name, action, rest = (match[1] or "models/")[:-1], match[2], "resolve", f"{match[3]}/{match[4]}"
        elif match := re.fullmatch(rf"/api/({'|'.join(REPO_TYPES)})/([^/]+/[^/]+)(?:/([^/]+)(?:/(.*))?)?", path):
            kind, name, action, rest = match[1], match[2], match[3] or "revision", match[4] or ""
        else:
            return self.say({"error": "no such route"}, 404, "NotFound")
        self.kind, repo = kind, self.hub.repos.get((kind, name))
        if repo is None or (repo.private and not self.trusted):
            return self.say({"error": "Repository not found"}, 404 if self.trusted else 401, "RepoNotFound")
        if self.command in ("POST", "DELETE", "PUT") and action != "paths-info" and not self.trusted:
            return self.say({"error": "Invalid credentials in Authorization header"}, 401)
        with self.hub.lock:
            getattr(self, "on_" + action.replace("-", "_"))(repo, rest, name)

    def create(self) -> None:
        if not self.trusted:
            return self.say({"error": "Invalid credentials in Authorization header"}, 401)
        asked = self.json
        kind, name = f"{asked.get('type') or 'model'}s", f"{asked.get('organization') or USER}/{asked['name']}"
        new = (kind, name) not in self.hub.repos
        private = asked.get("private") or asked.get("visibility") == "private"
        self.hub.repo(kind, name, private=bool(private))
        self.kind = kind
        self.say({"url": self.page(name), "name": name, "id": "0" * 24}, 200 if new else 409)

    def page(self, name: str) -> str:
        """The address of a repository's page."""
        return f"{self.hub.endpoint}/{name}" if self.kind == "models" else f"{self.hub.endpoint}/{self.kind}/{name}"

    def batch(self) -> None:
        objects = []
        for asked in self.json["objects"]:
            missing = asked["oid"] not in self.hub.large
            actions = {"upload": {"href": f"{self.hub.endpoint}/large/{asked['oid']}"}} if missing else {}
            objects.append({"oid": asked["oid"], "size": asked["size"], **({"actions": actions} if actions else {})})
        self.say({"transfer": "basic", "objects": objects})

    def found(self, repo: "Repo", revision: str) -> tuple[str, dict] | None:
        """The commit and files of a revision; where there are none it answers the request with an error."""
        found = repo.at(revision or "main")
        if found is None:
            self.say({"error": "Invalid rev id"}, 404, "RevisionNotFound")
        return found

    def on_revision(self, repo: "Repo", revision: str, name: str) -> None:
        if found := self.found(repo, revision):
            sha, files = found
            siblings = [{"rfilename": path} for path in sorted(files)]
            facts = {"private": repo.private, "gated": "auto" if repo.gated else False, "disabled": False, "tags": []}
            self.say({"id": name, "sha": sha, "siblings": siblings, "downloads": 0, "likes": 0, **facts})

    def on_resolve(self, repo: "Repo", rest: str, _: str) -> None:
        revision, _, path = rest.partition("/")
        if repo.gated and not self.trusted:
            return self.say({"error": "gated"}, 403, "GatedRepo")
        if not (found := self.found(repo, revision)):
            return None
        sha, files = found
        if path not in files:
            return self.say(b"", 404, "EntryNotFound", **{"X-Repo-Commit": sha})
        data, large = files[path]
        name = large_name(data) if large else git_name(data)
        headers = {"ETag": f'"{name}"', "X-Repo-Commit": sha, "Accept-Ranges": "bytes"}
        if large:
            headers |= {"X-Linked-Etag": f'"{name}"', "X-Linked-Size": str(len(data))}
        if part := re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            first, last = int(part[1]), int(part[2] or len(data) - 1)
            headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
            return self.say(data[first : last + 1], 206, **headers)
        return self.say(data, **headers)

    def on_refs(self, repo: "Repo", *_: str) -> None:
        def listed(refs: dict, kind: str) -> list[dict]:
            return [{"name": n, "ref": f"refs/{kind}/{n}", "targetCommit": sha} for n, sha in refs.items()]

        self.say({"branches": listed(repo.branches, "heads"), "tags": listed(repo.tags, "tags"), "converts": []})

    def on_tag(self, repo: "Repo", revision: str, _: str) -> None:
        if self.json["tag"] in repo.tags:
            return self.say({"error": "Tag reference exists already"}, 409)
        repo.tags[self.json["tag"]] = repo.at(revision)[0]
        return self.say({})

    def on_branch(self, repo: "Repo", branch: str, _: str) -> None:
        if branch in repo.branches:
            return self.say({"error": "Reference already exists"}, 409)
        repo.branches[branch] = self.json.get("startingPoint") or repo.branches["main"]
        return self.say({})

    def on_variables(self, repo: "Repo", *_: str) -> None:
        if self.command == "POST":
            repo.variables[self.json["key"]] = self.json["value"]
        if self.command == "DELETE":
            del repo.variables[self.json["key"]]
        self.say({key: {"value": value} for key, value in repo.variables.items()})

    def entry(self, path: str, file: tuple[bytes, bool]) -> dict:
        data, large = file
        entry = {"type": "file", "path": path, "size": len(data), "oid": git_name(data)}
        return entry | ({"lfs": {"oid": large_name(data), "size": len(data), "pointerSize": 134}} if large else {})

    def on_tree(self, repo: "Repo", rest: str, _: str) -> None:
        revision, _, below = rest.partition("/")
        if not (found := self.found(repo, revision)):
            return None
        deep = "recursive=true" in self.path.lower() or "recursive=1" in self.path
        prefix = f"{below}/" if below else ""
        inside = {path: file for path, file in found[1].items() if path.startswith(prefix)}
        if below and not inside:
            return self.say({"error": "no such folder"}, 404, "EntryNotFound")
        folders = set()
        for path in inside:
            parts = path.removeprefix(prefix).split("/")[:-1]
            folders |= {prefix + "/".join(parts[: i + 1]) for i in range(len(parts) if deep else min(1, len(parts)))}
        shown = [self.entry(p, f) for p, f in sorted(inside.items()) if deep or "/" not in p.removeprefix(prefix)]
        return self.say([{"type": "directory", "path": f, "size": 0, "oid": "0" * 40} for f in sorted(folders)] + shown)

    def on_paths_info(self, repo: "Repo", revision: str, _: str) -> None:
        if not (found := self.found(repo, revision)):
            return
        form = "json" not in self.headers.get("Content-Type", "")
        wanted = parse_qs(self.body.decode())["paths"] if form else self.json["paths"]
        files = [self.entry(path, found[1][path]) for path in wanted if path in found[1]]
        folders = [path for path in wanted if any(name.startswith(path.rstrip("/") + "/") for name in found[1])]
        self.say(files + [{"type": "directory", "path": f, "size": 0, "oid": "0" * 40} for f in folders])

    def on_preupload(self, repo: "Repo", revision: str, _: str) -> None:
        files, answer = repo.at(revision)[1], []
        for asked in self.json["files"]:
            path, large = asked["path"], asked["size"] > LARGE
            there = {}
            if path in files:
                data, was_large = files[path]
                there = {"oid": large_name(data) if was_large else git_name(data)}
            mode = "lfs" if large else "regular"
            answer.append({"path": path, "uploadMode": mode, "shouldIgnore": False, **there})
        self.say({"files": answer})

    def on_commit(self, repo: "Repo", branch: str, name: str) -> None:
        files, message = dict(repo.commits[repo.branches[branch]]), ""
        for line in map(json.loads, self.body.splitlines()):
            value = line["value"]
            if line["key"] == "header":
                message = value["summary"]
            elif line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"]), False
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.hub.large[value["oid"]], True
            elif line["key"] == "deletedFile":
                del files[value["path"]]
        sha = repo.commit(branch, files, message)
        url = f"{self.page(name)}/commit/{sha}"
        self.say({"success": True, "commitOid": sha, "commitUrl": url, "hookOutput": ""})

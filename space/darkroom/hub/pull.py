"""Fetch a model's two files from the Hugging Face Hub, or from what was downloaded before when the Hub is down.

A token is read by huggingface_hub from HF_TOKEN or its own login, and never seen here.
"""

import re
import time
from collections.abc import Iterable
from pathlib import Path

from huggingface_hub import HfApi, ModelInfo, hf_hub_download, try_to_load_from_cache
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    HTTPError,  # of whichever HTTP client this version of huggingface_hub is built on
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import validate_repo_id
from huggingface_hub.utils.sha import git_hash, sha_fileobj

CONFIG, TENSORS = "config.json", "model.safetensors"
PICKLES = (".bin", ".pt", ".pth", ".pkl", ".ckpt")
COMMIT = re.compile(r"[0-9a-f]{40}")
ATTEMPTS, PAUSE, PATIENCE = 3, 0.5, 5  # how often a Hub that stumbles is asked; seconds between; seconds for an answer


class WeightsError(RuntimeError):
    """Weights that cannot be used; the message says whose, why and what to do."""


class HubDown(WeightsError):
    """The Hub cannot be reached, and the model has not been downloaded before."""


def pull(repo: str, revision: str | None = None) -> tuple[Path, Path, str, str]:
    """The model's configuration and tensors, both of one commit, downloaded where they are not in the cache yet.

    repo: "user/name". revision: branch, tag or commit; None is the main branch.
    Returns the two paths, the commit, and a notice for the user where the Hub is down and an old copy serves.
    Raises WeightsError.
    """
    name = f"{repo}@{revision}" if revision else repo
    if not _names_a_model(repo):
        raise WeightsError(f"{name}: neither a folder here nor the name of a model on the Hub (user/name)")
    cached = [try_to_load_from_cache(repo, file, revision=revision) for file in (CONFIG, TENSORS)]
    kept = [Path(path) for path in cached if isinstance(path, str)]
    if len(kept) == 2 and COMMIT.fullmatch(revision or ""):
        return _checked(kept[0], kept[1], "")  # a commit never changes: there is nothing to ask
    try:
        files = [sibling.rfilename for sibling in _ask(repo, revision).siblings or []]
        for file in (CONFIG, TENSORS):
            if file not in files:
                raise WeightsError(f"{name}: {lacking(file, files)}")
        # The first download notes which commit the revision is, for days without the Hub; the second keeps to it.
        config = Path(hf_hub_download(repo, CONFIG, revision=revision))
        tensors = Path(hf_hub_download(repo, TENSORS, revision=config.parent.name))
        return _checked(config, tensors, "")
    except (HTTPError, OSError, EntryNotFoundError) as error:
        down = _why_down(error, name)
    if len(kept) < 2:
        raise HubDown(f"{name}: no such folder is here, {down}, and no earlier download is kept; try again later.")
    return _checked(kept[0], kept[1], f"{name}: {down}; the copy downloaded earlier is used.")


def _names_a_model(repo: str) -> bool:
    try:
        validate_repo_id(repo)
    except HFValidationError:
        return False
    return repo.count("/") == 1  # the client also takes a name alone


def _ask(repo: str, revision: str | None) -> ModelInfo:
    """What the Hub says of a model; it is asked again when it stumbles."""
    for attempt in range(1, ATTEMPTS):
        try:
            return HfApi().model_info(repo, revision=revision, timeout=PATIENCE)
        except HfHubHTTPError as error:
            if error.response.status_code < 500:
                raise
            time.sleep(PAUSE * attempt)
    return HfApi().model_info(repo, revision=revision, timeout=PATIENCE)


def _why_down(error: Exception, name: str) -> str:
    """How the Hub failed. Raises WeightsError where it answered and the answer is no, or the fault is on this side."""
    login = "log in with `hf auth login` or set HF_TOKEN"
    match error:
        case GatedRepoError():
            raise WeightsError(f"{name}: its owner wants to be asked; ask on its page on the Hub, then {login}")
        case RepositoryNotFoundError():
            raise WeightsError(f"{name}: the Hub shows no such model; check the name, and if it is private {login}")
        case RevisionNotFoundError():
            raise WeightsError(f"{name}: the model has no such revision; name a branch, a tag or a commit of it")
        case HfHubHTTPError() if error.response.status_code in (401, 403):
            raise WeightsError(f"{name}: the Hub did not accept your token; {login}")
        case HfHubHTTPError() if error.response.status_code < 500:
            raise WeightsError(f"{name}: the Hub refused (HTTP status {error.response.status_code})")
        case HfHubHTTPError():
            return f"the Hub is out of order (HTTP status {error.response.status_code})"
        case OSError() if error.errno is not None:
            raise WeightsError(f"{name}: cannot be kept in the cache ({error.strerror}); make room, or set HF_HOME")
    return "the Hub cannot be reached"


def lacking(file: str, files: Iterable[str]) -> str:
    """The sentence for a model that has `files`, but not `file`."""
    pickles = sorted(name for name in files if name.endswith(PICKLES))
    if file == TENSORS and pickles:
        return f"has its weights only as a pickle ({pickles[0]}), which can run code; ask its author for {TENSORS}"
    return f"there is no {file}, so this is no model for this program; name another"


def _checked(config: Path, tensors: Path, notice: str) -> tuple[Path, Path, str, str]:
    """Compare what lies in the cache with the checksum under which the Hub names it; a file that differs is deleted."""
    for path in (config, tensors):
        blob = path.resolve()
        if _checksum(blob, blob.name) != blob.name:
            blob.unlink()
            path.unlink()
            raise WeightsError(f"{path.name}: the download is not what the Hub announced; it was deleted, try again")
    return config, tensors, config.parent.name, notice


def _checksum(blob: Path, name: str) -> str:
    """As the Hub computes it: SHA-256 of a large file, git's SHA-1 of a small one; `name` where it is neither."""
    if len(name) == 64:
        with blob.open("rb") as file:
            return sha_fileobj(file).hex()
    return git_hash(blob.read_bytes()) if COMMIT.fullmatch(name) else name

"""Publish on the Hugging Face Hub: a model, a data set, the Space, each with its card, each in one commit.

    python train/publish.py model runs/first --repo user/negatives --tag v1
    python train/publish.py dataset data/simulated --repo user/negatives-data --private
    python train/publish.py space --repo user/darkroom --model user/negatives@v1

Log in first with `hf auth login`, or set HF_TOKEN. Unchanged content is not committed again. See docs/hub.md.
"""

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from huggingface_hub import HfApi, get_token
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, HTTPError
from huggingface_hub.utils import validate_repo_id

from darkroom.hub.pull import WeightsError
from hub.bundle import assemble
from hub.cards import CardError
from hub.parquet import lay_out
from learning.dataset import DataError

ROOT = Path(__file__).resolve().parents[1]
# Files that running, installing and macOS leave in a folder.
LEFT_OUT = [
    "**/__pycache__/**",
    "__pycache__/**",
    "**/.gradio/**",
    ".gradio/**",
    "*.egg-info/**",
    "build/**",
    ".DS_Store",
]


class PublishError(RuntimeError):
    """Publishing failed, in whole or in part; the message says why and what to do."""


def publish_model(run: Path, repo: str, **where: object) -> str:
    """Publish a finished run's model. Returns the commit. where: see `_push`. Raises PublishError, and what `assemble`
    raises."""
    check(repo)
    with TemporaryDirectory() as folder:
        assemble(run, Path(folder), repo)
        return _push(Path(folder), repo, "model", **where)


def publish_trained(run: Path, repo: str) -> None:
    """Publish at the end of a training run. Raises PublishError that says where the model is and how to try again."""
    try:
        print(f"published as {repo}@{publish_model(run, repo)}")
    except (PublishError, CardError, WeightsError) as error:
        again = f"python train/publish.py model {run} --repo {repo}"
        raise PublishError(f"{error}. The trained model is safe in {run / 'model'}; to publish it: {again}") from None


def publish_dataset(data: Path, repo: str, credits: Path | None = None, **where: object) -> str:
    """Publish a data set folder as Parquet. Returns the commit. credits: CSV with a licence for each source."""
    check(repo)
    with TemporaryDirectory() as folder:
        lay_out(data, Path(folder), repo, credits)
        return _push(Path(folder), repo, "dataset", **where)


def publish_space(repo: str, model: str | None = None, **where: object) -> str:
    """Publish `space/` as it stands, judging with `model`, "user/name" or "user/name@revision", pinned to its
    present commit; None: the bundled weights. Returns the commit."""
    check(repo)
    variables = {}
    if model:
        name, _, revision = model.partition("@")
        with _Explained(name):
            variables = {"MODEL_ID": name, "MODEL_REVISION": HfApi().model_info(name, revision=revision or None).sha}
    commit = _push(ROOT / "space", repo, "space", **where)
    with _Explained(repo):
        for key in HfApi().get_space_variables(repo).keys() & {"MODEL_ID", "MODEL_REVISION"} - variables.keys():
            HfApi().delete_space_variable(repo, key)
        for key, value in variables.items():
            HfApi().add_space_variable(repo, key, value)
    return commit


def check(repo: str) -> None:
    """Check login and name before the long work. Raises PublishError."""
    if get_token() is None:
        raise PublishError(f"{repo}: you are not logged in to the Hub; run `hf auth login`, or set HF_TOKEN")
    with _Explained(repo):
        validate_repo_id(repo)
        HfApi().whoami()


def _push(
    folder: Path, repo: str, kind: str, *, private: bool = False, revision: str | None = None, tag: str | None = None
) -> str:
    """Replace the content of the repository by that of `folder`, in one commit, or none where nothing changed.

    kind: "model", "dataset" or "space". revision: a branch, made where there is none. tag: name for the commit.
    Returns the commit. Raises PublishError.
    """
    api = HfApi()
    with _Explained(repo):
        sdk = "gradio" if kind == "space" else None
        api.create_repo(repo, repo_type=kind, private=private, exist_ok=True, space_sdk=sdk)
        if revision:
            api.create_branch(repo, branch=revision, repo_type=kind, exist_ok=True)
        commit = api.upload_folder(
            repo_id=repo,
            folder_path=folder,
            repo_type=kind,
            revision=revision,
            ignore_patterns=LEFT_OUT,
            delete_patterns="*",
            commit_message=f"Publish the {kind}",
        ).oid
        if tag:
            listed = api.list_repo_refs(repo, repo_type=kind).tags
            tags = {each.name: each.target_commit for each in listed}
            if tags.get(tag, commit) != commit:
                raise PublishError(f"{repo}: {commit[:10]} is published, but {tag} names {tags[tag][:10]} already")
            if tag not in tags:
                api.create_tag(repo, tag=tag, revision=commit, repo_type=kind)
    return commit


class _Explained:
    """Turn an exception of the Hub's client inside a `with` block into one sentence about `name`."""

    def __init__(self, name: str):
        self.name = name

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, HFValidationError):
            raise PublishError(f"{self.name}: not a name on the Hub; write user/name") from None
        if isinstance(error, HfHubHTTPError):
            status = error.response.status_code
            if status in (401, 403):
                raise PublishError(f"{self.name}: the Hub did not accept your token; run `hf auth login`")
            if status == 404:
                raise PublishError(f"{self.name}: the Hub knows no such repository or revision")
            raise PublishError(f"{self.name}: the Hub refused (HTTP status {status}); try again later")
        if isinstance(error, (HTTPError, ConnectionError)):
            raise PublishError(f"{self.name}: the Hub cannot be reached; try again later")
        if isinstance(error, RuntimeError) and not isinstance(error, PublishError):  # the client's, of one large file
            raise PublishError(f"{self.name}: {error}; try again later")


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """What the command understands."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    model = commands.add_parser("model", help="a finished run's weights, package, ONNX, pictures and card")
    model.add_argument("run", type=Path, metavar="RUN", help="folder below runs/")
    dataset = commands.add_parser("dataset", help="a data set folder as Parquet, with its card")
    dataset.add_argument("data", type=Path, metavar="DIR", help="made by train/data.py or train/simulate.py")
    dataset.add_argument("--credits", type=Path, help="CSV: path, source, licence, credit of the photographs used")
    space = commands.add_parser("space", help="the folder space/, judging with a model on the Hub")
    space.add_argument("--model", help="user/name or user/name@revision; without it the bundled weights judge")
    for command in (model, dataset, space):
        command.add_argument("--repo", required=True, metavar="USER/NAME")
        command.add_argument("--private", action="store_true", help="a new repository is not shown to others")
        command.add_argument("--revision", help="branch to publish on; default: main")
        command.add_argument("--tag", help="name to give to the commit")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    args = arguments(argv)
    where = {"private": args.private, "revision": args.revision, "tag": args.tag}
    try:
        if args.command == "model":
            commit = publish_model(args.run, args.repo, **where)
        elif args.command == "dataset":
            commit = publish_dataset(args.data, args.repo, args.credits, **where)
        else:
            commit = publish_space(args.repo, args.model, **where)
    except (PublishError, CardError, DataError, WeightsError) as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{args.repo}@{commit}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

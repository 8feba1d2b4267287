"""Send a picture whose verdict a visitor calls wrong to a data set on the Hub. Off unless a data set is configured."""

import json
import uuid
from pathlib import Path
from typing import Any

from huggingface_hub import CommitOperationAdd, HfApi

LARGEST_FLAG = 60_000_000  # bytes; a Hub repository is no archive


class FlagTooLarge(ValueError):
    """A picture over `LARGEST_FLAG`; the message names it."""


def send_flag(dataset: str, picture: Path, said: dict[str, Any]) -> str:
    """Commit the picture and its verdict to the Hub's data set `dataset`, under a random name.

    said: a verdict's row, and by what it was given; plain JSON.

    The token is huggingface_hub's own (HF_TOKEN). The file's name is not sent: it can name a person.
    Returns the folder in the data set. Raises FlagTooLarge, and what the client raises.
    """
    data = picture.read_bytes()
    if len(data) > LARGEST_FLAG:
        raise FlagTooLarge(f"{said['file']}: over {LARGEST_FLAG // 1_000_000} MB, too large to send; export it smaller")
    folder = f"flags/{uuid.uuid4().hex}"
    sent = {name: value for name, value in said.items() if name not in ("file", "error")}
    files = {f"picture{picture.suffix.lower()}": data, "verdict.json": json.dumps(sent, indent=1).encode()}
    operations = [CommitOperationAdd(f"{folder}/{name}", content) for name, content in files.items()]
    message = f"A visitor calls “{said['verdict']}” wrong"
    HfApi().create_commit(dataset, operations, repo_type="dataset", commit_message=message)
    return folder

"""What a model says of itself: the figures in the card beside its weights. Nothing is typed in elsewhere."""

from pathlib import Path
from typing import NamedTuple

from huggingface_hub import ModelCard, hf_hub_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
from yaml import YAMLError

CARD = "README.md"


class Figure(NamedTuple):
    """One measured figure: of what, how much, on which data."""

    metric: str
    value: float
    data: str


class Card(NamedTuple):
    """summary: the card's first paragraph. figures: its `model-index`."""

    summary: str
    figures: list[Figure]


def read_card(source: str, revision: str | None = None) -> Card:
    """The card of the weights in the folder `source` or of the Hub's model of that name; empty where there is none, or
    none that can be read."""
    folder = Path(source)
    try:
        path = folder / CARD if folder.is_dir() else Path(hf_hub_download(source, CARD, revision=revision))
        card = ModelCard.load(path)
    except (OSError, ValueError, YAMLError, HfHubHTTPError, LocalEntryNotFoundError):
        return Card("", [])
    figures = [
        Figure(
            result.metric_name or result.metric_type,
            float(result.metric_value),
            " ".join(filter(None, (result.dataset_name, result.dataset_split))),
        )
        for result in card.data.eval_results or []
        if isinstance(result.metric_value, (int, float))
    ]
    return Card(_first_paragraph(card.text), figures)


def _first_paragraph(text: str) -> str:
    for paragraph in text.split("\n\n"):
        paragraph = " ".join(paragraph.split())
        if paragraph and not paragraph.startswith(("#", "<", "!", "|", "```", "-")):
            return paragraph
    return ""

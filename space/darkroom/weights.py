"""Where a model's weights come from: the bundled folder, another folder, or the Hub. Safetensors only."""

from pathlib import Path

from .resnet import ResNet18

BUNDLED = Path(__file__).resolve().parents[1] / "weights"


class WeightsError(RuntimeError):
    """Weights that cannot be used; the message says whose, why and what to do."""


def find(weights: str | Path | None = None, revision: str | None = None) -> tuple[ResNet18, str, str | None]:
    """The model, where it came from, and the revision it has.

    weights: a folder with config.json and model.safetensors, or a Hub id "user/name", "user/name@revision"; None for
    the bundled ones. Raises WeightsError.
    """
    folder = Path(weights) if weights is not None else BUNDLED
    if folder.is_dir():
        for name in ("config.json", "model.safetensors"):
            if not (folder / name).is_file():
                raise WeightsError(f"{folder}: there is no {name}; train a model or name another folder")
        source = str(folder)
    else:
        source = str(weights)
        if "@" in source:
            source, revision = source.split("@", 1)
    try:
        model = ResNet18.from_pretrained(source, revision=revision, strict=True)
    except Exception as error:
        raise WeightsError(f"{source}: cannot load this model ({str(error).splitlines()[0]})") from error
    return model, source, revision

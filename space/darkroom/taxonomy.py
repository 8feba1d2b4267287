"""What a negative may be called: labels, verdicts, kinds of damage with their remedies, and what else a picture may be.

Whatever names one of these takes it from here. All is looked up by name: a network, a data set and a table each say in
which order they have them.
"""

from typing import NamedTuple

LABELS = ("abnormal", "normal")  # by the number that stands for them in a data set
VERDICTS = {"readable": "Readable", "check": "Check by eye", "damaged": "Damaged"}  # as people read them


class Remedy(NamedTuple):
    """cause: what happened to the film; mend: what helps, or that nothing does."""

    cause: str
    mend: str


REMEDIES = {
    "noise": Remedy(
        "underexposure: the film recorded little but its own grain",
        "the detail was never recorded; a 16-bit rescan and denoising help a little",
    ),
    "blank_area": Remedy(
        "films touched in the tank, uneven development or fogging",
        "silver left in the film may go with a second bleach-fix; fogged or undeveloped film is lost",
    ),
    "colour_patches": Remedy(
        "a fading developer or poor fixing",
        "fix and wash the film again, then rescan; what remains can be corrected digitally",
    ),
    "holes": Remedy(
        "folding, storage, insects or a punch: the emulsion is gone",
        "film chemistry cannot bring it back; retouch or inpaint the positive",
    ),
    "residual_spots": Remedy(
        "exhausted chemistry or drying marks",
        "bleach-fix and wash the film again, then rescan",
    ),
    "dye_removal": Remedy(
        "friction as the film was coiled: the dye is rubbed off",
        "the dye is gone, retouch the positive; dark flecks may be dirt, so clean the film and rescan first",
    ),
    "light_leak": Remedy(
        "light fell on the film: worn camera seals, an opened back, the cassette's felt",
        "the light is in the film; crop or retouch the positive, and replace the camera's seals",
    ),
}

# Data sets store their maps of the damage in this order: a new kind comes last.
DEFECTS = ("noise", "blank_area", "colour_patches", "holes", "residual_spots", "dye_removal", "light_leak")

# Pictures that are no colour negative, and the reason that is given.
NOT_NEGATIVES = {
    "black_and_white": "its colours only follow its brightness, as in a black-and-white negative or print",
    "positive": "it looks like a positive, that is a photograph, a print or a slide",
    "page": "it looks like a page of text or a drawing",
    "nothing": "there is no picture in it, only one colour or noise",
}


def display_name(name: str) -> str:
    """A kind as a person reads it: "blank area" for "blank_area"."""
    return name.replace("_", " ")

"""What damages a negative, and what can be done about it."""

from typing import NamedTuple


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

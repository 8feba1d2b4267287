"""Text on pictures, in a font that is there: one of the system's, or Pillow's own, which knows ASCII only."""

import unicodedata
from functools import cache, lru_cache

from PIL import ImageDraw, ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
# Where one of them is installed, Pillow finds it by its name: Debian's and Fedora's, Windows', a Mac's.
FONTS = (
    ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"),
    ("NotoSans-Regular.ttf", "NotoSans-Bold.ttf"),
    ("LiberationSans-Regular.ttf", "LiberationSans-Bold.ttf"),
    ("arial.ttf", "arialbd.ttf"),
    ("Arial.ttf", "Arial Bold.ttf"),
)
DPI = 300
UNKNOWN = "\U0010fffe"  # no font has it
PLAIN = {"ß": "ss", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "æ": "ae", "Æ": "AE", "–": "-", "·": "-"}


class Lettering:
    """A font of `points` at 300 dpi. What it has no sign for is written without its accents, or as “?”."""

    def __init__(self, points: float, bold: bool = False):
        self.font = _font(round(points / 72 * DPI), bold)

    def width(self, text: str) -> int:
        """Pixels."""
        return round(self.font.getlength(self.written(text)))

    def write(
        self,
        draw: ImageDraw.ImageDraw,
        at: tuple[int, int],
        text: str,
        colour: str,
        most: int | None = None,
    ) -> int:
        """Write with the upper left corner `at`, shortened in the middle to `most` pixels. Returns its width."""
        text = self.fitting(text, most) if most is not None else text
        draw.text(at, self.written(text), colour, self.font)
        return self.width(text)

    def fitting(self, text: str, most: int) -> str:
        """The text, or as much of its beginning and end as fits."""
        if self.width(text[:500]) <= most and len(text) <= 500:
            return text
        low, high = 0, min(len(text), 500)
        while low < high:  # the most characters that fit
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self.width(_shortened(text, middle)) <= most else (low, middle - 1)
        return _shortened(text, low)

    def lines(self, text: str, most: int, count: int) -> list[str]:
        """The text in at most `count` lines of `most` pixels, broken between words; of more the rest is left out."""
        lines = [""]
        for word in text[:500].split():
            longer = f"{lines[-1]} {word}".strip()
            if self.width(longer) <= most:
                lines[-1] = longer
            else:
                lines.append(self.fitting(word, most))
        lines = [line for line in lines if line]
        return lines if len(lines) <= count else [*lines[: count - 1], self.fitting(lines[count - 1] + " ...", most)]

    def written(self, text: str) -> str:
        """The text in the signs that the font has."""
        return "".join(_sign(self.font, letter) for letter in unicodedata.normalize("NFC", text))


def _shortened(text: str, count: int) -> str:
    """`count` characters of a text: two thirds from its beginning, the others from its end."""
    first = -(-2 * count // 3)
    return text[:first] + "..." + text[len(text) - (count - first) :]


@cache
def _font(size: int, bold: bool) -> Font:
    for names in FONTS:
        try:
            return ImageFont.truetype(names[bold], size)
        except OSError:  # not installed
            continue
    return ImageFont.load_default(size)


@lru_cache(4096)
def _sign(font: Font, letter: str) -> str:
    if not letter.isprintable():
        return "?"
    if letter.isascii() or not _missing(font, letter):
        return letter
    plain = PLAIN.get(letter) or unicodedata.normalize("NFKD", letter)[0]
    return plain if plain.isascii() else "?"


def _missing(font: Font, letter: str) -> bool:
    return bytes(font.getmask(letter)) == bytes(font.getmask(UNKNOWN))

"""Text for messages: names made safe to print, near matches, numbers with units."""

import difflib
import math
import unicodedata
from collections.abc import Iterable


def printable(text: str) -> str:
    r"""A copy of `text` in which characters that could control a terminal are escaped, such as \x1b.

    Control characters (C0, DEL, C1), direction overrides, line separators and undecodable bytes are escaped; all other
    characters, however unusual, are kept.
    """
    return "".join(_escape(character) for character in text)


def _escape(character: str) -> str:
    if unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return character
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def text_width(text: str) -> int:
    """The width of a printable text in columns of a terminal, two for a wide character."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # its width tables are newer than Python's

    return cell_len(text)


def shorten(text: str, most: int) -> str:
    """The printable form of `text`, cut to at most `most` characters, with an ellipsis where it was cut."""
    visible = printable(text)
    return visible if len(visible) <= most else visible[: most - 1] + "…"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A suggestion for an unknown word: the nearest known words, ignoring case, or else a list of them."""
    known = sorted(known)
    by_lowercase = {name.lower(): name for name in known}
    if matches := difflib.get_close_matches(word.lower(), by_lowercase, n=12, cutoff=0.6):
        edits = {name: _edit_distance(word.lower(), name) for name in matches}
        nearest = [printable(by_lowercase[name]) for name in sorted(matches) if edits[name] == min(edits.values())]
        return f"did you mean {' or '.join(nearest)}?"
    visible = ", ".join(map(printable, known[:12])) + (", ..." if len(known) > 12 else "")
    return f"known: {visible}" if known else "there are none yet"


def find_typing_errors(word: str, known: Iterable[str]) -> list[str]:
    """The known words that `word` was probably meant to be: one edit away, two where it is long.

    Case, spaces, hyphens and underscores do not count.
    """
    plain = _simplify(word)
    most = 1 if len(plain) < 6 else 2
    edits = {name: _edit_distance(plain, _simplify(name)) for name in known if abs(len(name) - len(word)) <= most + 2}
    least = min(edits.values(), default=most + 1)
    return sorted(name for name, count in edits.items() if count == least <= most)


def _simplify(word: str) -> str:
    return "".join(letter for letter in word.casefold() if letter not in " _-")


def _edit_distance(word: str, other: str) -> int:
    """The number of letters to add, drop, change or swap with the next one (Damerau 1964)."""
    rows = [list(range(len(other) + 1))]
    for i, letter in enumerate(word, 1):
        row = [i]
        for j, other_letter in enumerate(other, 1):
            cost = min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (letter != other_letter))
            if i > 1 and j > 1 and (letter, word[i - 2]) == (other[j - 2], other_letter):
                cost = min(cost, rows[-2][j - 2] + 1)
            row.append(cost)
        rows.append(row)
    return rows[-1][-1]


def pluralize(number: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun: `1 photograph`, `4,110 photographs`, `2 passes`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {plural or noun + 's'}"


def join_names(names: Iterable[str], most: int = 5) -> str:
    """Names joined by commas, the rest counted: `a, b, c and 9 more`."""
    names = list(names)
    rest = len(names) - most
    return ", ".join(names) if rest <= 0 else f"{', '.join(names[:most])} and {rest:,} more"


def format_duration(seconds: float) -> str:
    """A duration in the unit that suits it: `less than 1 s`, `45 s`, `4.7 min`, `12 min`, `3.5 h`."""
    if seconds < 1:
        return "less than 1 s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 6000:
        return f"{seconds / 60:.{1 if seconds < 600 else 0}f} min"
    return f"{seconds / 3600:.1f} h"


def format_percent(fraction: float | None) -> str:
    """A fraction as a percentage with one decimal: 0.6123 is `61.2 %`; `-` for None and NaN."""
    return "-" if fraction is None or math.isnan(fraction) else f"{100 * fraction:.1f} %"


def format_interval(bounds: Iterable[float]) -> str:
    """The lower and the upper bound of an interval of fractions: `54.1 % to 60.0 %`."""
    return " to ".join(map(format_percent, bounds))


def format_spread(mean: float | None, deviation: float | None) -> str:
    """A mean with its standard deviation, in per cent: `87.4±1.2`; `-` for None."""
    if mean is None:
        return "-"
    return f"{100 * mean:.1f}" + ("" if deviation is None else f"±{100 * deviation:.1f}")

"""The only place where nanoseconds, bytes, counts and fractions become text.

Text is ASCII apart from the degree sign, so that it survives any terminal. `-` is a plain minus and can be pasted into
a spreadsheet.
"""

from __future__ import annotations

import math

_NS_PER_MS = 1e6


def format_ms(ns: float, *, unit: bool = True) -> str:
    """A duration in milliseconds with three significant digits: '5.44 ms', '0.0512 ms', '138 ms'.

    Args:
        unit: False leaves the unit to a column's head: '5.44'.
    """
    text = _three_digits(ns / _NS_PER_MS)
    return f"{text} ms" if unit else text


def format_signed_ms(ns: float, *, unit: bool = True) -> str:
    """A difference of durations: '+1.18 ms', '-0.214 ms'; exactly none is '0 ms'."""
    sign = "+" if ns > 0 else ""
    return sign + format_ms(ns, unit=unit)


def format_part_ms(ns: float, *, digits: int = 3) -> str:
    """A part of a duration in milliseconds, to be added up with others: '0.299', '12.040'; '<0.001' for less than the
    last digit shows, and '0' for less than a nanosecond, which is none."""
    if abs(ns) < 1:
        return "0"
    text = f"{ns / _NS_PER_MS:.{digits}f}"
    return f"<{10**-digits:.{digits}f}" if float(text) == 0 else text


def format_signed_part_ms(ns: float, *, digits: int = 3) -> str:
    """A difference of parts: '+0.279', '-0.012'; '0' for one that does not show."""
    text = f"{ns / _NS_PER_MS:+.{digits}f}"
    return "0" if float(text) == 0 else text


def format_share(fraction: float) -> str:
    """A part of a whole in percent, never rounded up to all of it: '100 %', '99.9 %', '62.5 %'."""
    return "100 %" if fraction >= 1 else f"{math.floor(1000 * fraction) / 10:.1f} %"


def format_count(count: float) -> str:
    """A number of parameters, operations or things: '812', '41.2 k', '3.95 M', '306.7 M', '2.64 G'."""
    return _scale(count, ("", "k", "M", "G", "T"))


def format_bytes(size: float) -> str:
    """A size in decimal units, as stores and networks count it: '812 B', '15.1 MB' (1 MB = 1,000,000 bytes)."""
    return _scale(size, ("B", "kB", "MB", "GB", "TB"))


def format_percent(fraction: float) -> str:
    """A fraction of 0..1 in percent: '74.3 %'."""
    return f"{100 * fraction:.1f} %"


def format_ratio(ratio: float, *, digits: int = 2) -> str:
    """A factor: 'x1.23'; x1.00 is equal."""
    return f"x{ratio:.{digits}f}"


def format_change(ratio: float) -> str:
    """A factor as what it adds or takes away: '+5.2 %', '-3.0 %', '0.0 %' for none that shows."""
    text = f"{100 * (ratio - 1):+.1f} %"
    return "0.0 %" if text in ("+0.0 %", "-0.0 %") else text


def format_ratio_change(ratio: float) -> str:
    """A factor as what it adds: 1.034 is '+3.4 %'."""
    return f"{100 * (ratio - 1):+.1f} %"


def format_frequency(khz: float) -> str:
    """A clock rate: '2.40 GHz', '576 MHz'."""
    return f"{khz / 1e6:.2f} GHz" if khz >= 1e6 else f"{khz / 1e3:.0f} MHz"


def format_celsius(celsius: float) -> str:
    """A temperature: '41.5 °C'."""
    return f"{celsius:.1f} °C"


def format_error(error: float) -> str:
    """A relative error, a number without a unit: '1.2e-05', '0' when there is none."""
    return f"{error:.1e}" if error else "0"


def _three_digits(number: float) -> str:
    if number == 0:
        return "0"
    # Rounded first: 9.996 has its three digits as 10.0, not as 10.00.
    exponent = int(f"{number:.2e}".partition("e")[2])
    decimals = max(0, 2 - exponent)
    return f"{number:.{decimals}f}"


def _scale(number: float, units: tuple[str, ...]) -> str:
    """The number in the largest unit of a thousand that leaves 1 or more: two decimals below 10, one from there on."""
    if abs(number) < 1000:
        return f"{number:.0f} {units[0]}".rstrip()
    text = ""
    for unit in units[1:]:
        number /= 1000
        text = f"{number:.2f} {unit}" if abs(number) < 9.995 else f"{number:.1f} {unit}"
        if abs(number) < 999.95:
            break
    return text


def make_printable(text: str) -> str:
    """The text for a terminal: a name, of a file or from a device, may hold what would move the cursor."""
    return "".join(character if character.isprintable() or character == "\n" else "?" for character in text)


def describe_mask(core_mask: int) -> str:
    """ "cores 4-6" for 0x70, "cores 0-3,7" for 0x8f, "core 7" for 0x80."""
    cores = [core for core in range(core_mask.bit_length()) if core_mask >> core & 1]
    starts = [core for core in cores if core - 1 not in cores]
    ends = [core for core in cores if core + 1 not in cores]
    ranges = [str(start) if start == end else f"{start}-{end}" for start, end in zip(starts, ends, strict=True)]
    return f"{'core' if len(cores) == 1 else 'cores'} {','.join(ranges)}"

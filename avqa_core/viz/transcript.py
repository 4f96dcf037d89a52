"""A Bandstand clip in words, for readers who do not see it or do not hear it."""

from __future__ import annotations

from collections.abc import Sequence

from avqa_core.bandstand.scene import Heard, Section, Seen, Source

CLOSENESS = ("far away", "at middle distance", "near")
VIGOUR = ("calmly", "vigorously")
LEVELS = ("soft", "medium loud", "loud")
RATES = ("slow", "fast")
COUNTS = ("no", "one", "two", "three")


def describe_seen(seen: Seen) -> str:
    """Return what a perfect viewer sees."""
    parts = [f"{seen.backdrop.capitalize()} stage."]
    parts += [_section(section) for section in seen.sections]
    if any(seen.captions):
        parts.append(f"Captions {when(seen.captions)}.")
    return " ".join(parts)


def describe_heard(heard: Heard) -> str:
    """Return what a perfect listener hears."""
    parts = [_source(source) for source in heard.sources] or ["No instrument."]
    if any(heard.voice):
        parts.append(f"A voice speaks {when(heard.voice)}.")
    around = "the echo of a room" if heard.ambience == "indoor" else "birds and wind"
    return " ".join([*parts, f"In the background: {around}."])


def _section(section: Section) -> str:
    name = section.instrument.replace("_", " ")
    players = "players" if section.count > 1 else "player"
    where = f"{'in' if section.place == 'middle' else 'on'} the {section.place}"
    plays = "keeping still"
    if any(section.motion):
        plays = f"playing {VIGOUR[section.vigour]} {when(section.motion)}"
    who = f"{COUNTS[section.count].capitalize()} {name} {players}"
    return f"{who}, {CLOSENESS[section.closeness]}, {where}, {plays}."


def _source(source: Source) -> str:
    name = source.instrument.replace("_", " ").capitalize()
    return f"{name}, {LEVELS[source.level]} and {RATES[source.rate]}, {when(source.pattern)}."


def when(holds: Sequence[bool]) -> str:
    """Return the stretches in which something holds, in seconds counted from one."""
    if all(holds):
        return "throughout"
    stretches: list[str] = []
    start: int | None = None
    for index, held in enumerate([*holds, False]):
        if held and start is None:
            start = index
        elif not held and start is not None:
            first, last = start + 1, index
            stretches.append(f"second {first}" if first == last else f"seconds {first} to {last}")
            start = None
    return "in " + " and ".join(stretches) if stretches else "never"

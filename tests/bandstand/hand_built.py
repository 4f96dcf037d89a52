"""Scenes written down by hand, so that a reader can check the answers without the program."""

from __future__ import annotations

from avqa_core.bandstand.scene import Place, Scene, Section, Setting, Source

NUM_SEGMENTS = 10


def segments(*spans: tuple[int, int]) -> tuple[bool, ...]:
    """Return a pattern that is on in each span, both ends included."""
    return tuple(any(a <= t <= b for a, b in spans) for t in range(NUM_SEGMENTS))


def section(
    instrument: str, place: Place, count: int, *motion: tuple[int, int], closeness: int = 1
) -> Section:
    return Section(
        instrument=instrument,
        place=place,
        count=count,
        closeness=closeness,
        vigour=0,
        motion=segments(*motion),
        act=0,
    )


def source(instrument: str, level: int, rate: int, *pattern: tuple[int, int]) -> Source:
    return Source(
        instrument=instrument,
        pattern=segments(*pattern),
        level=level,
        rate=rate,
        melody=1,
        act=0,
    )


def scene(
    *parts: Section | Source,
    backdrop: Setting = "indoor",
    voice: tuple[bool, ...] = segments(),
    clip_id: str = "00000001",
) -> Scene:
    return Scene(
        clip_id=clip_id,
        seed=1,
        difficulty=0.3,
        backdrop=backdrop,
        ambience="outdoor",
        captions=segments(),
        voice=voice,
        sections=tuple(one for one in parts if isinstance(one, Section)),
        sources=tuple(one for one in parts if isinstance(one, Source)),
    )


# Violins, a piano and three silent flutes on stage; a tuba is heard from off stage.
TRIO = scene(
    section("violin", "left", 2, (0, 4)),
    section("piano", "middle", 1, (3, 9)),
    section("flute", "right", 3),
    source("violin", 2, 1, (0, 5)),
    source("piano", 1, 0, (3, 9)),
    source("tuba", 0, 1, (6, 9)),
    voice=segments((2, 3)),
)

# The same cello twice; the one on the right joins three segments later.
TWINS = scene(
    section("cello", "left", 1, (2, 8)),
    section("cello", "right", 3, (5, 8)),
    source("cello", 1, 0, (2, 8)),
    backdrop="outdoor",
)
TOGETHER = scene(
    section("cello", "left", 1, (2, 8)),
    section("cello", "middle", 3, (2, 8)),
    source("cello", 1, 0, (2, 8)),
)
HARDLY_APART = scene(
    section("cello", "left", 1, (2, 8)),
    section("cello", "right", 3, (3, 8)),
    source("cello", 1, 0, (2, 8)),
)

# The same two cellos with a drum between them.
CELLOS_AND_DRUM = scene(
    section("cello", "left", 1, (2, 8)),
    section("drum", "middle", 1, (6, 9)),
    section("cello", "right", 3, (5, 8)),
    source("cello", 1, 0, (2, 8)),
    source("drum", 1, 0, (6, 9)),
)

# Mimes: what is seen is not what is heard, and the middle is empty.
MIMES = scene(
    section("drum", "left", 1, (0, 9)),
    section("pipa", "right", 2, (1, 4)),
    source("banjo", 1, 0, (1, 3)),
    source("erhu", 1, 1, (2, 9)),
)

# Everything live; two of the three sound throughout or nearly so.
CONCERT = scene(
    section("congas", "left", 3, (0, 9)),
    section("guzheng", "middle", 3, (4, 7)),
    section("suona", "right", 3, (8, 9)),
    source("congas", 0, 1, (0, 3)),
    source("guzheng", 1, 0, (0, 9)),
    source("suona", 2, 0, (6, 9)),
)

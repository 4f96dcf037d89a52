"""The latency of the panel is reported at every test run; no machine's speed fails a test."""

from __future__ import annotations

from benchmarks import toggle


def test_the_wait_for_an_answer_is_reported(record_property, capsys):
    found = toggle.measure("tiny", 5, threads=1)
    for one in found:
        record_property(f"{one.model}, {one.what}, ms", round(one.median_ms, 1))
    whats = {one.what for one in found}
    assert whats == {"answer, audio missing", "panel, audio off"}
    assert len({(one.what, one.model) for one in found}) == len(found) == 4
    assert all(0 < one.median_ms <= one.most_ms for one in found)
    with capsys.disabled():
        print(f"\n{toggle.table(found)}")


def test_every_turn_of_the_switch_is_a_new_answer():
    with toggle.session("tiny") as session:
        panel = toggle.TogglePanel(session)
        before = panel.answer
        panel.audio.value = False
        assert panel.answer is not before
        assert panel.answer is not None and panel.answer.scenario == "audio_missing"

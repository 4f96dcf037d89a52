"""What was counted is shown and said as it was."""

from __future__ import annotations

from avqa_core.studies.binding import Row
from avqa_core.viz import binding_views
from avqa_core.viz.result_words import NOT_RUN

ROWS = [
    Row(
        template="How many instruments are sounding in the video?",
        total=100,
        networks=(0.50, 0.52, 0.48),
        observer=0.52,
        num_alike=80,
        own=(0.50, 0.55, 0.60),
        dealt=(0.40, 0.45, 0.50),
    ),
    Row(
        template="How many sounding <Object> in the video\uff1f",
        total=300,
        networks=(0.70, 0.71, 0.72),
        observer=0.40,
        num_alike=80,
        own=(0.70, 0.70, 0.70),
        dealt=(0.40, 0.40, 0.40),
    ),
]


def test_the_table_has_means_and_gains():
    text = binding_views.binding_table(ROWS, caption="Counted.").text
    assert "50.0" in text and "-2.0 (" in text and "+10.0 (" in text
    assert "+31.0 (" in text and "<Object> in the video?" in text
    assert "Counted. Mean and 95 % interval over 3 seeds." in text


def test_words_say_where_the_network_is_ahead():
    told = binding_views.binding_words(ROWS)
    assert told["counted"] == "65.8 %" and told["observed"] == "43.0 %"
    assert told["ahead"] == '"How many sounding <Object> in the video?"'
    assert told["not_ahead"] == '"How many instruments are sounding in the video?"'
    assert told["beyond_counts"] == "+10.0 to +30.0" and told["num_counted"] == "400"


def test_without_networks_the_chapter_says_so():
    assert set(binding_views.binding_words([]).values()) == {NOT_RUN}
    assert "avqa results" in binding_views.binding_table([], caption="Counted.").text

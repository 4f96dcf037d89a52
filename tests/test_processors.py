"""bfloat16 runs on every processor, by another way where oneDNN has none."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from avqa_core import processors


@pytest.mark.parametrize("known", [True, False])
def test_an_lstm_runs_in_bfloat16_whatever_the_processor_knows(known, monkeypatch):
    if known and not processors.has_bfloat16_lstm():
        known = False  # nothing to be seen here but the way around
    monkeypatch.setattr(processors, "has_bfloat16_lstm", lambda: known)
    torch.manual_seed(0)
    lstm, words = nn.LSTM(4, 3), torch.randn(5, 2, 4)
    before = torch.backends.mkldnn.enabled
    with processors.bfloat16_anywhere():
        assert torch.backends.mkldnn.enabled is (before and known)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            rough = lstm(words)[0]
    assert torch.backends.mkldnn.enabled is before
    torch.testing.assert_close(rough.float(), lstm(words)[0], atol=0.03, rtol=0.03)
    assert not rough.float().equal(lstm(words)[0])


def test_a_processor_that_refuses_an_lstm_in_bfloat16_has_none(monkeypatch):
    def refuse(*_):
        raise RuntimeError("could not create a primitive descriptor")

    monkeypatch.setattr(nn.LSTM, "forward", refuse)
    assert processors.has_bfloat16_lstm.__wrapped__() is False

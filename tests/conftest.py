"""Shape annotations are checked while the tests run, so they cannot go stale."""

from __future__ import annotations

import torch
from jaxtyping import install_import_hook

_hook = install_import_hook("avqa_core", "beartype.beartype")
_hook.__enter__()

torch.set_num_threads(1)

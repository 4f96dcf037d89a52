from __future__ import annotations

import pytest

from avqa_core.data.folder import DataFolder
from tests.training.worlds import write_world


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    return DataFolder(write_world(tmp_path_factory.mktemp("data") / "world"))

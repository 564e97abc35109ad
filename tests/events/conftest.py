"""A follower of the tests' service, which writes the events to a file."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.following import Following
from tests.support.servers import Service


@pytest.fixture(scope="module")
def following(new_service: Callable[..., Service], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Following]:
    """A running follower."""
    folder: Path = tmp_path_factory.mktemp("following")
    following = Following(new_service(), folder / "events")
    following.start()
    yield following
    following.stop()

"""The tables that the figures are in."""

from collections.abc import Iterator

import pytest

from overview.models import Collection
from tests.support.servers import Service


@pytest.fixture(autouse=True)
def tables(service: Service) -> Iterator[None]:
    """The service's tables, with no collection under way."""
    with service.models():
        Collection.objects.all().delete()
        yield

"""An index of its own for a module's tests."""

from collections.abc import Callable, Iterator

import pytest

from tests.support.searchable import Tenant
from tests.support.servers import Service


@pytest.fixture(scope="module")
def tenants(new_service: Callable[..., Service], service: Service) -> Iterator[dict[str, Tenant]]:
    """Three companies in an index of the module's own, which the models of this process use meanwhile."""
    with new_service().models():
        yield {name: Tenant(name).store() for name in ("Acme Dental", "Müller & Söhne", "Pacific Freight")}

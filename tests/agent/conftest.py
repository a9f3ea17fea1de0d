from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.postgres import Cluster, a_cluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A Postgres server of its own for each process that runs tests."""
    with a_cluster() as cluster:
        yield cluster


@pytest.fixture
def postgres_url(cluster: Cluster) -> str:
    """A place on it that has all tables and no rows."""
    return cluster.emptied()

"""What only the Postgres store promises: the server, its URL, its faults, and what its errors say."""

from __future__ import annotations

from contextlib import closing

import pytest

from agent.memory_postgres import PostgresStore
from tests.contracts.safety_store_contract import SafetyStoreContract


class TestPostgresStore(SafetyStoreContract):
    @pytest.fixture
    def store(self, postgres_url: str):
        with closing(PostgresStore(postgres_url)) as store:
            yield store

"""How much a server takes on at once, as settings."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["ServerLoad"]


class ServerLoad(BaseModel):
    """Turns of one server process: those that run, and those that wait to run."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    running: Annotated[int, Field(ge=1, description="Most turns at once.")] = 64
    running_per_tenant: Annotated[
        int | None, Field(ge=1, description="Most turns at once of one tenant; none: an eighth stays for others.")
    ] = None
    waiting: Annotated[int, Field(ge=1, description="Most requests that wait, of all tenants.")] = 256
    waiting_per_tenant: Annotated[int, Field(ge=1, description="Most requests that wait, of one tenant.")] = 64
    wait: Annotated[float, Field(gt=0, description="Seconds that a request waits to run, at most.")] = 30.0

    @property
    def most_of_a_tenant(self) -> int:
        """Turns at once of one tenant. However long its turns take, another one finds a slot free at once."""
        return self.running_per_tenant or max(1, self.running - math.ceil(self.running / 8))

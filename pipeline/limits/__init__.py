"""What all workers on all hosts share about a teacher: its limits a minute, its waits, its slots, its health.

Kept in Valkey by one Lua script, turn.lua, under the server's clock; a worker takes part through a Limiter.
"""

from .allowance import Allowance
from .limiter import Limiter
from .line import EndpointDown, Permit
from .watching import Watch, watch

__all__ = ["Allowance", "EndpointDown", "Limiter", "Permit", "Watch", "watch"]

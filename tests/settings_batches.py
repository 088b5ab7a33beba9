"""The suite's settings for commands that are killed with batches under way: looked at often, leases soon over."""

from tests.settings import *  # noqa: F403

BATCH_POLL_SECONDS = 0.2
LEASE_SECONDS = 3

"""The services that Nexa Distill brings along and runs itself where none are named: queue, model, supervisor."""


class ServiceError(RuntimeError):
    """An embedded service is missing, did not start, or ended; the message says which, why and what helps."""

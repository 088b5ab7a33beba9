"""The error of a wrong configuration: every problem at once, each by name."""


class ConfigError(ValueError):
    """A configuration that cannot be used. `messages` says each problem with the right value; str() joins them."""

    def __init__(self, messages):
        self.messages = [messages] if isinstance(messages, str) else list(messages)
        super().__init__("\n".join(self.messages))

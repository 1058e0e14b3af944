"""What loyalty is told by its environment."""

from libs.servicekit.settings import CommonSettings


class Settings(CommonSettings):
    """The common settings; what loyalty does with them is in programmes, not in the environment."""

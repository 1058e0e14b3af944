"""What can go wrong on one machine: LocalError <- Refused (nothing was changed) | StartFailed."""


class LocalError(Exception):
    """The stack cannot do what was asked; the message says why and what to do."""


class Refused(LocalError):
    """Something must be settled first; nothing was changed."""


class StartFailed(LocalError):
    """A process did not become ready; the message ends with the last lines that it wrote."""

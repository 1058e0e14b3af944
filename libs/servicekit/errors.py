"""The errors of servicekit.

ServicekitError
|-- SettingsError            a setting is missing or malformed; the message names the variable
|-- UnknownMerchant          no such merchant here (404)
|-- DatabaseUnavailable      the database cannot be reached or refuses work for now (503)
|-- SealBroken               a sealed or encrypted value does not open
|-- LeaseLost                another worker has taken the job over
|-- JobRefused               a job cannot be done, however often it is tried
|-- TokenRefused             a bearer token proves nothing; the message says why (401)
|-- KeysUnavailable          the issuer's keys could not be read so far (503)
`-- ProcessFailure           a task of the process ended although nobody had asked it to stop
"""


class ServicekitError(Exception):
    """Root of every error that servicekit raises on purpose (`problems.Problem`, an HTTP answer, stands apart)."""


class SettingsError(ServicekitError):
    """A setting is missing or malformed."""


class UnknownMerchant(ServicekitError):
    """The merchant is not (or not yet) known to this service."""


class DatabaseUnavailable(ServicekitError):
    """The database cannot be reached, or has no connection left for this request."""


class SealBroken(ServicekitError):
    """A sealed or encrypted value was made with an unknown key, altered, or moved from its place."""


class ProcessFailure(ServicekitError):
    """A task returned before anybody asked the process to stop."""


class LeaseLost(ServicekitError):
    """Another worker has taken the job over; this one must stop without a trace."""


class JobRefused(ServicekitError):
    """A job cannot be done, however often it is tried: its file, its request or its state is at fault."""

    def __init__(self, title: str, detail: str) -> None:
        super().__init__(detail)
        self.title = title


class TokenRefused(ServicekitError):
    """A bearer token proves nothing."""


class KeysUnavailable(ServicekitError):
    """The issuer's keys could not be read so far, so no token can be judged."""

"""What messaging is told by its environment."""

from pydantic import Field

from libs.servicekit.settings import CommonSettings

_DOMAIN = r"^[a-z0-9][a-z0-9.-]*\.[a-z]{2,}$"


class Settings(CommonSettings):
    """The common settings, and who the mails come from."""

    mail_from: str = Field(
        "hello@mail.huitou.example",
        pattern=r"^[a-z0-9._-]+@[a-z0-9][a-z0-9.-]*\.[a-z]{2,}$",
        description="From address",
    )
    bounce_domain: str = Field(
        "bounce.huitou.example", pattern=_DOMAIN, description="domain of envelope senders and message ids (VERP)"
    )
    # A call that lasts longer than 15 s is cut off and counts as unknown: four answers and the answer to the content
    # must fit in.
    smtp_timeout_seconds: float = Field(2.0, gt=0, le=2, description="patience with the relay, per answer")
    smtp_data_timeout_seconds: float = Field(6.0, gt=0, le=6, description="patience with the answer to the content")

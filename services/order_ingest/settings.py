"""What order-ingest is told by its environment."""

from collections.abc import Collection, Sequence

from pydantic import Field, field_validator

from libs.servicekit.settings import CommonSettings


class Settings(CommonSettings):
    """The common settings, and the limits of hooks and imports."""

    database_intake_url: str = Field(
        "", repr=False, description="PostgreSQL URL of the role of the hook path; api only"
    )

    hook_requests_per_second: float = Field(
        2000.0, gt=0, description="refill of one endpoint's, and one address's bucket"
    )
    hook_burst: int = Field(20_000, ge=1, description="size of those buckets")
    hook_most_waiting: int = Field(4096, ge=1, description="deliveries that may wait for their commit; more get 503")
    hook_most_waiting_bytes: int = Field(64 << 20, ge=1 << 20, description="bytes of those, compressed")

    import_backlog: int = Field(2500, ge=100, description="facts on their way to other services while an import runs")
    import_waits_for: str = Field(
        "loyalty,segmentation,messaging",
        description="consumer groups of `commerce` that hold an import back, comma between; or `none`",
    )

    outbound_trusted: str = Field(
        "",
        description="host:port, comma between: shops whose API may be asked at a private address and without TLS",
    )

    @property
    def trusted_origins(self) -> Collection[tuple[str, int]]:
        pairs = (each.strip().rpartition(":") for each in self.outbound_trusted.split(",") if each.strip())
        return frozenset((host, int(port)) for host, _, port in pairs)

    @field_validator("outbound_trusted")
    @classmethod
    def _hosts_with_ports(cls, value: str) -> str:
        for each in filter(None, map(str.strip, value.split(","))):
            host, _, port = each.rpartition(":")
            if not host or not port.isdigit():
                raise ValueError("each must be host:port")
        return value

    @field_validator("import_waits_for")
    @classmethod
    def _others(cls, value: str) -> str:
        # It reads no commerce: all of its own facts would be unread for ever, and no import would ever go on.
        if "order-ingest" in map(str.strip, value.split(",")):
            raise ValueError("order-ingest cannot wait for itself; name groups that read commerce")
        return value

    @property
    def import_groups(self) -> Sequence[str]:
        names = [name.strip() for name in self.import_waits_for.split(",")]
        return [name for name in names if name and name != "none"]

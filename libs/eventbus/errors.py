"""The errors of the event bus.

EventBusError
|-- OutboxError              what a transaction said cannot be told; it is rolled back
|   |-- PayloadTooLarge      a fact of more than 256 KiB
|   `-- OutboxUnusable       nothing can be told here, whatever it is
|       |-- LaneNotSeeded    the topic has no counters here: `outbox.seed_topic` was not called
|       `-- SourceRestored   this database was restored or moved: it must not say anything before a new epoch
|-- BusError                 the transport refused or lost something
|   |-- UnknownPartition     a record for a topic that the bus was not set up with
|   `-- UnknownTransport     a URL that names no transport
|-- GroupStopped             a consumer group must not go on until somebody acted
|   |-- UnknownVersion       a known fact in a version of the future: deploy consumers first
|   |-- HistoryLost          events are in neither outbox nor log: the group needs a snapshot
|   `-- TooManyFailures      so many events fail that the code must be wrong, not the events
|-- ConsumerStuck            rebuilt twice and still no progress: the process had better start anew
|-- TransientFailure         raised by a handler: the same again later may work; says nothing about the event
|-- NotHalted                the lane does not wait for an operator
|-- EpochUnknown             a halted lane has not heard yet how its source goes on
|-- HistoriesApart           reader and source share no place that the reader remembers: it needs a snapshot
|-- NothingParked            no open parked event at that place
`-- ReplayFailed             a parked event failed again; it stays parked
"""


class EventBusError(Exception):
    """Root of every error that the bus raises on purpose."""


class OutboxError(EventBusError):
    """What was said cannot be told."""


class OutboxUnusable(OutboxError):
    """Nothing can be told from this database, whatever it is."""


class LaneNotSeeded(OutboxUnusable):
    """A lane of the topic has no counter in this database."""


class PayloadTooLarge(OutboxError):
    """A fact's JSON is larger than the bus takes."""


class SourceRestored(OutboxUnusable):
    """The database is not the one that said the earlier facts: it was restored, cloned or moved."""


class BusError(EventBusError):
    """The transport refused or lost something."""


class UnknownPartition(BusError):
    """The bus was not set up with the record's topic."""


class DeafConnection(BusError):
    """Nothing comes over a connection, while a new one would be answered."""


class UnknownTransport(BusError):
    """No transport belongs to the URL."""


class GroupStopped(EventBusError):
    """The group must not go on until somebody acted."""


class UnknownVersion(GroupStopped):
    """A fact's name is known, its version is not."""


class HistoryLost(GroupStopped):
    """Events that the group never applied are gone for good."""


class TooManyFailures(GroupStopped):
    """The circuit breaker opened."""


class ConsumerStuck(EventBusError):
    """Rebuilding the consumer did not bring it on."""


class TransientFailure(EventBusError):
    """A handler met an outage; the event itself is innocent."""


class NotHalted(EventBusError):
    """The lane does not wait for an operator."""


class EpochUnknown(EventBusError):
    """The source has not started a new epoch, or the lane has not heard of it yet."""


class HistoriesApart(EventBusError):
    """The reader remembers no place that the source still knows."""


class NothingParked(EventBusError):
    """There is no open parked event at that place."""


class ReplayFailed(EventBusError):
    """A parked event failed again."""

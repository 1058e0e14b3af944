"""The decisions about epochs: a source that was restored goes on in a new one, and readers find where they stand in it.

Pure, as protocol.py is. A source's history is a line of points (sequence and chain). A restore cuts it back; what was
said beyond the cut is a branch that the source does not know any more, and that a reader may have applied.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from libs.eventbus.answers import Acceptance, Judgement, Stranger
from libs.eventbus.lanes import CHAIN_START, EPOCH_BITS, chain_next, epoch_of
from libs.eventbus.words import Mark, Opening, Point, Record, Row, SourceLane, Trace, Verify

_EPOCHS_SINCE: Final = datetime(2026, 1, 1, tzinfo=UTC)
_EPOCHS_EVERY: Final = timedelta(minutes=10)
DENSE_WAYPOINTS: Final = 256
_ORIGIN: Final = Point(0, CHAIN_START)


def next_epoch(newest: int, now: datetime) -> int:
    """The number of the epoch that starts now.

    By the clock, not by counting: a database restored to before its last new epoch would count to the same number
    again, and a reader of the abandoned one would take the new records for old. 2^23 numbers of ten minutes reach
    to the year 2185.
    """
    return max(newest + 1, (now - _EPOCHS_SINCE) // _EPOCHS_EVERY)


def first_of(epoch: int) -> int:
    """The sequence of the epoch's first record."""
    return epoch << EPOCH_BITS


def waypoint_sequences(ends: Sequence[int]) -> list[int]:
    """Which places of its history a new epoch names: the newest without a gap, older ones ever sparser.

    `ends`: the last sequence of each epoch so far, oldest first. A reader may have left the line in any of them.
    """
    places: list[int] = []
    for end in reversed(ends):
        first = max(1, first_of(epoch_of(end)))
        dense = range(max(first, end + 1 - max(0, DENSE_WAYPOINTS - len(places))), end + 1)
        distances = (1 << power for power in range(EPOCH_BITS))
        places += {*dense, *(end - distance for distance in distances if end - distance >= first)}
    return sorted(places)


def may_apply(mark: Mark, record: Record) -> bool:
    """Whether it is worth locking the mark to judge the record."""
    return record.sequence == mark.sequence + 1 or (record.opens is not None and record.sequence > mark.sequence)


def judge_opening(mark: Mark, opening: Opening, record: Record) -> Judgement:
    """What an epoch's first record, beyond the mark, means to this mark.

    GAP: the reader is behind on the same line and must hear the rest first. SUSPECT: it has applied what the lineage
    does not hold.
    """
    if mark.sequence == opening.previous.sequence:
        fits = mark.chain in (None, opening.previous.chain)
        follows = chain_next(opening.previous.chain, record.event_id) == record.chain
        return Judgement.APPLY if fits and follows else Judgement.SUSPECT
    end = epoch_end(opening.lineage, mark.epoch)
    if end is None or mark.sequence > end.sequence:
        return Judgement.SUSPECT
    forked = mark.sequence == end.sequence and mark.chain not in (None, end.chain)
    return Judgement.SUSPECT if forked else Judgement.GAP


def epoch_end(lineage: Sequence[Point], epoch: int) -> Point | None:
    """Where the line left that epoch; None if it never was in it."""
    return next((point for point in lineage if epoch_of(point.sequence) == epoch), None)


def knows(source: SourceLane, row: Row | None, asked: Verify) -> bool:
    """Whether the source's history holds the place that is asked about, whichever of its epochs that was in."""
    end = epoch_end((*source.lineage, Point(source.head, source.chain)), epoch_of(asked.sequence))
    if end is None or asked.sequence > end.sequence:
        return False
    if asked.chain is None:
        return True
    if asked.sequence == end.sequence:
        return asked.chain == end.chain
    if row is not None and row.sequence == asked.sequence:
        return asked.chain == row.chain
    # The row itself was dropped, its successor holds: its chain still tells what stood before it.
    if row is not None and row.sequence == asked.sequence + 1:
        return chain_next(asked.chain, row.event_id) == row.chain
    return asked.sequence == 0 and asked.chain == CHAIN_START


def follows(sequence: int, opens_after: int | None, *, before: int) -> bool:
    """Whether a row may be sent right after the one at `before`.

    An epoch's first row follows wherever the cursor stands at or beyond what it says that it follows: a cursor lowered
    for a reader of the forgotten branch stands beyond.
    """
    if opens_after is None:
        return sequence == before + 1
    return opens_after <= before < sequence


def accept_plan(mark: Mark, trail: Sequence[Trace], opening: Opening) -> Acceptance | Stranger:
    """What it means that this reader gives up the branch that its source forgot.

    `trail`: what the mark passed, oldest first, as far back as the reader remembers. The reader resumes at the highest
    place that both lines hold; what it passed beyond is forgotten. An id that is not kept could take effect a second
    time, so a trail that does not reach back to the shared place is refused.
    """
    theirs = sorted({*opening.lineage, *opening.waypoints, _ORIGIN})
    mine = {_ORIGIN, *(trace.point for trace in trail)}
    if mark.chain is not None:
        mine.add(Point(mark.sequence, mark.chain))
    common = max(point for point in theirs if point in mine)
    above = [trace for trace in trail if trace.sequence > common.sequence]
    if not _reaches(common, above, mark):
        return Stranger()
    parted = next((point.sequence for point in theirs if point.sequence > common.sequence), common.sequence)
    # Between the last shared place and the first that differs, nobody compared: some of it may be known to both.
    unsure = parted if epoch_of(parted) == epoch_of(common.sequence) else common.sequence
    return Acceptance(
        Mark(*common),
        forgotten=tuple(trace for trace in above if trace.sequence >= unsure),
        unsure=tuple(trace for trace in above if trace.sequence < unsure),
    )


def _reaches(common: Point, above: Sequence[Trace], mark: Mark) -> bool:
    """Whether the first event above the shared place is remembered; only the old end of a trail is ever dropped."""
    if not above:
        return mark.sequence == common.sequence or mark.chain is None
    return chain_next(common.chain, above[0].event_id) == above[0].chain

"""The decisions of the event bus, as pure functions: no I/O, no clock, no randomness.

Every event carries a gapless sequence per lane, given in the transaction that caused it. A consumer keeps one mark per
lane in the database of its effects and applies an event only if it is the next one. Shells load state, call one
function from here, and carry out its answer in one transaction. The simulation in tests/sim drives the same functions.

Words that are stored, read and heard stand in words.py, answers in answers.py, new epochs in protocol_epochs.py.
Here, in this order: judging a batch, failures, watching a lane, the relay, the source's replies, retention.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID

from libs.eventbus.answers import (
    Action,
    BatchPlan,
    HaltGroup,
    HaltLane,
    Hole,
    Idle,
    Judgement,
    Jump,
    KeepAll,
    MoveFloor,
    Remedy,
    Reread,
    Rewind,
    Seen,
    Send,
    Step,
    Watched,
)
from libs.eventbus.lanes import chain_next, epoch_of
from libs.eventbus.protocol_epochs import follows, judge_opening, knows
from libs.eventbus.words import (
    Child,
    Failure,
    Gap,
    Lane,
    LaneNumber,
    LaneWatch,
    Mark,
    Nak,
    Opened,
    Progress,
    Question,
    Record,
    Refusal,
    Refused,
    Rewound,
    Row,
    Sight,
    Signal,
    SourceLane,
    Subject,
    Suspicion,
    Tick,
    Verified,
    Verify,
    Watermark,
)

PATIENCE_SECONDS: Final = 2.0  # without progress, before a consumer asks for a rewind
REQUEST_SECONDS: Final = 40.0  # a control request lives this long; no second rewind is asked before
QUESTION_SECONDS: Final = 10.0  # an unanswered verification is asked again
UNKNOWN_ANSWERS: Final = 2  # one could be an answer from a moment before the source was ready
ATTEMPTS: Final = 5
BATCH_TIMEOUTS: Final = 2
CAREFUL_AFTER_DEATH: Final = 20_000  # events, as many as may wait after deaths; a killer beyond costs one more
WATERMARK_SETTLES_SECONDS: Final = 1.0
WATERMARK_EVERY_SECONDS: Final = 600.0
BREAKER_WINDOW: Final = 1000
BREAKER_FAILURES: Final = 50
BREAKER_SHARE: Final = 0.05
NEVER_REPORTED: Final = -1

# --- judging a batch -------------------------------------------------------------------------------------------------


def judge(mark: Mark, record: Record) -> Judgement:
    """What a record means to this mark; only APPLY may have effects."""
    if record.opens is not None and record.sequence > mark.sequence:
        return judge_opening(mark, record.opens, record)
    if record.sequence > mark.sequence + 1:
        return Judgement.GAP
    if record.sequence == mark.sequence + 1:
        fits = mark.chain is None or chain_next(mark.chain, record.event_id) == record.chain
        return Judgement.APPLY if fits else Judgement.SUSPECT
    forked = record.sequence == mark.sequence and mark.chain not in (None, record.chain)
    return Judgement.SUSPECT if forked else Judgement.SKIP


@dataclass(slots=True)
class _Draft:
    marks: dict[Lane, Mark]
    open_subjects: set[Subject]
    forgotten: Collection[UUID]
    steps: list[Step] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    moved: dict[Lane, Mark] = field(default_factory=dict)
    skipped: int = 0

    def see(self, lane: Lane, sight: Sight) -> None:
        self.seen.append(Seen(lane, self.marks[lane], sight))

    def take(self, record: Record) -> None:
        action = self._action(record)
        self.steps.append(Step(record, action))
        self.marks[record.lane] = self.moved[record.lane] = self.marks[record.lane].after(record)
        if self.seen and self.seen[-1].lane == record.lane and isinstance(self.seen[-1].sight, Progress):
            self.seen.pop()
        self.see(record.lane, Progress())

    def _action(self, record: Record) -> Action:
        if record.event_id in self.forgotten:
            return Action.KNOWN
        if record.erases:
            # Never parked: an erasure waiting behind poison would keep what it must remove.
            self.open_subjects.discard(record.subject)
            self.steps = [self._discarded(step, record.subject) for step in self.steps]
            return Action.ERASE
        return Action.PARK if record.subject in self.open_subjects else Action.APPLY

    @staticmethod
    def _discarded(step: Step, erased: Subject) -> Step:
        waits = step.action is Action.PARK and step.record.subject == erased
        return Step(step.record, Action.DISCARD) if waits else step


def plan_batch(
    marks: Mapping[Lane, Mark],
    open_subjects: Collection[Subject],
    halted: Mapping[Lane, int],
    forgotten: Collection[UUID],
    items: Sequence[Record | Signal],
) -> BatchPlan:
    """What one transaction does with what was read, in partition order.

    `marks` are locked and hold every lane met; `open_subjects` and `forgotten` (ids that took effect before their
    source forgot them) were probed under those locks. A lane stops at its first gap by itself: nothing beyond it is
    next. Halted lanes, with the newest epoch that they heard of, are dropped; a rewind brings them again.
    """
    draft = _Draft(dict(marks), set(open_subjects), forgotten)
    for item in items:
        if item.lane in halted:
            _hear_while_halted(draft, item, halted[item.lane])
        elif isinstance(item, Record):
            _judge_into(draft, item)
        else:
            draft.see(item.lane, item)
    return BatchPlan(tuple(draft.steps), draft.moved, tuple(draft.seen), draft.skipped)


def _judge_into(draft: _Draft, record: Record) -> None:
    match judge(draft.marks[record.lane], record):
        case Judgement.APPLY:
            draft.take(record)
        case Judgement.SKIP:
            draft.skipped += 1
        case Judgement.GAP:
            draft.see(record.lane, Gap(record.sequence))
        case Judgement.SUSPECT:
            draft.see(record.lane, Suspicion(record.sequence, record if record.opens else None))


def _hear_while_halted(draft: _Draft, item: Record | Signal, heard: int) -> None:
    """Of a stopped lane one thing matters: how the next epoch begins, or else that it must be asked for."""
    newest = max(heard, draft.marks[item.lane].epoch)
    if isinstance(item, Record) and item.opens is not None and epoch_of(item.sequence) > newest:
        draft.see(item.lane, Opened(item))
    elif isinstance(item, Watermark) and item.epoch > newest:
        draft.see(item.lane, Gap(item.head))


# --- failures --------------------------------------------------------------------------------------------------------


def on_batch_failure(kind: Failure, *, attempts: int, database_works: bool) -> Remedy:
    """What to do with a batch that was rolled back. `attempts`: how often in a row it failed while the database worked.

    While the database does not answer, time-outs say nothing about the batch, nor does the one on which the outage
    ended: taken apart for it, the batch would crawl afterwards.
    """
    if kind is Failure.TRANSIENT or (kind is Failure.TIMEOUT and (attempts < BATCH_TIMEOUTS or not database_works)):
        return Remedy.RETRY
    return Remedy.HALVES if kind is Failure.PERMANENT else Remedy.SINGLE


def on_failure(record: Record, kind: Failure, *, attempts: int, database_works: bool) -> Remedy:
    """What to do with one event that failed alone.

    `attempts` were counted in transactions of their own before applying, this one included. A dead database must never
    fill the parked table: a transient failure, or a timeout while the database does not answer, says nothing about
    the event.
    """
    if kind is Failure.TRANSIENT or (kind is Failure.TIMEOUT and not database_works):
        return Remedy.RETRY
    if kind is not Failure.PERMANENT and attempts < ATTEMPTS:
        return Remedy.AGAIN
    return Remedy.HALT if record.erases else Remedy.PARK


def is_careful(*, ended_cleanly: bool, done_since_start: int) -> bool:
    """Whether a group counts an attempt at every event of a batch before it: after an unclean end.

    Should such a batch die, each of its events was tried once: those run singly from then on, until the killer is
    found. All other deaths cost a statement a batch and no more.
    """
    return not ended_cleanly and done_since_start < CAREFUL_AFTER_DEATH


def circuit_opens(*, failed: int, seen: int) -> bool:
    """Whether the group stops: a bad deploy, not bad events.

    Of the last BREAKER_WINDOW subjects `seen`, how many `failed` themselves; those parked behind another don't count.
    """
    return failed > BREAKER_FAILURES and failed > BREAKER_SHARE * seen


# --- watching a lane -------------------------------------------------------------------------------------------------


def watch(state: LaneWatch, mark: Mark, sight: Sight, *, now: float, nonce: str) -> Watched:
    """The lane's state after one sight, and what must be asked or stopped.

    `mark`: the one of Seen; for a Tick the committed one, read then. `now` in seconds on a steady clock; `nonce` is
    fresh, used if a verification is asked. Demands are carried out before the next sight.
    """
    match sight:
        case Progress():
            asked = state.nak_at if state.high > mark.sequence else None  # a closed gap needs no marker any more
            return LaneWatch(state.lane, now, high=state.high, nak_at=asked), ()
        case Gap(sequence):
            return replace(state, high=max(state.high, sequence)), ()
        case Suspicion(opening=opening):
            return replace(state, suspected=True, opening=opening or state.opening), ()
        case Opened():
            return replace(state, high=mark.sequence, nak_at=None), ()
        case Watermark():
            return _hear_watermark(state, mark, sight), ()
        case Rewound(to=to):
            # Waits PATIENCE again: what was asked for stands behind this marker, unread.
            return (replace(state, nak_at=None, progressed_at=now) if to <= mark.sequence else state), ()
        case Refused(floor=floor):
            return _hear_refusal(state, mark, floor)
        case Verified():
            return _hear_answer(state, mark, sight)
        case Tick(at_end):
            state, questions = _ask(state, mark, now=now, nonce=nonce)
            state, demands = _act(state, mark, now=now) if at_end else (state, ())
            return state, (*questions, *demands)


def _hear_watermark(state: LaneWatch, mark: Mark, watermark: Watermark) -> LaneWatch:
    forgotten = watermark.head < mark.sequence
    forked = watermark.head == mark.sequence and mark.chain not in (None, watermark.chain)
    return replace(state, high=max(state.high, watermark.head), suspected=state.suspected or forgotten or forked)


def _hear_refusal(state: LaneWatch, mark: Mark, floor: int) -> Watched:
    if floor <= mark.sequence + 1 or state.rereading is not None:
        return state, ()
    # The log may still hold what the outbox dropped: only a whole re-read that moves nothing proves the loss.
    return replace(state, rereading=Refusal(floor, mark.sequence)), (Reread(state.lane),)


def _hear_answer(state: LaneWatch, mark: Mark, answer: Verified) -> Watched:
    question = state.question
    if question is None or question.nonce != answer.nonce or question.sequence != mark.sequence:
        return state, ()
    if answer.known:
        return replace(state, suspected=False, question=None, unknown=0, opening=None), ()
    state = replace(state, question=None, unknown=state.unknown + 1)
    if state.unknown < UNKNOWN_ANSWERS:
        return state, ()
    # No answer helps any more. An epoch that was only heard of is asked for: an operator needs its beginning.
    high = state.high if epoch_of(state.high) > mark.epoch and state.opening is None else mark.sequence
    unknown = f"the source does not know sequence {mark.sequence}: was it restored?"
    halt = HaltLane(state.lane, unknown, state.opening)
    return replace(state, suspected=False, unknown=0, high=high, nak_at=None, opening=None), (halt,)


def _ask(state: LaneWatch, mark: Mark, *, now: float, nonce: str) -> Watched:
    """A suspicion is asked about however much is unread: no record that follows could take it away."""
    if not state.suspected or (state.question is not None and now - state.question.asked_at < QUESTION_SECONDS):
        return state, ()
    question = _question(state, mark, now=now, nonce=nonce)
    return replace(state, question=question), (Verify(state.lane, mark.sequence, mark.chain, question.nonce),)


def _act(state: LaneWatch, mark: Mark, *, now: float) -> Watched:
    refusal, state = state.rereading, replace(state, rereading=None)
    if refusal is not None and refusal.sequence == mark.sequence:
        gone = f"sequences {mark.sequence + 1} to {refusal.floor - 1} are in neither outbox nor log"
        return state, (HaltGroup(state.lane, gone),)
    if state.opening is not None:
        return state, ()  # the epoch beyond the suspicion was read: a rewind would bring all of it again, in vain
    stuck = state.high > mark.sequence and now - state.progressed_at >= PATIENCE_SECONDS
    if stuck and (state.nak_at is None or now - state.nak_at >= REQUEST_SECONDS):
        return replace(state, nak_at=now), (Nak(state.lane, mark.sequence),)
    return state, ()


def _question(state: LaneWatch, mark: Mark, *, now: float, nonce: str) -> Question:
    asked = state.question
    if asked is not None and asked.sequence == mark.sequence:
        # The same nonce again: with a new one, answers slower than QUESTION_SECONDS would never count.
        return replace(asked, asked_at=now)
    return Question(nonce, mark.sequence, now)


# --- the relay -------------------------------------------------------------------------------------------------------


def relay_plan(
    rows: Sequence[Row], *, cursor: int, floor: int, head: int, last_seen: int | None
) -> Send | Jump | Hole | Idle:
    """What the relay does with one lane, from one consistent read.

    `last_seen`: the cursor after this relay's last round on the lane (sent to, even if its compare-and-set lost). A
    cursor below it was rewound, and readers are told.
    """
    if cursor < floor - 1:
        return Jump(cursor_from=cursor, cursor_to=floor - 1)
    if cursor == head:
        return Idle()
    count, reached = 0, cursor
    while count < len(rows) and follows(rows[count].sequence, rows[count].opens_after, before=reached):
        count, reached = count + 1, rows[count].sequence
    if count == 0:
        return Hole(cursor + 1)
    rewound = cursor if last_seen is not None and cursor < last_seen else None
    return Send(count, rewound, cursor_from=cursor, cursor_to=reached)


def watermark_due(*, changed_at: float, written_at: float | None, drained: bool, now: float) -> bool:
    """Whether a partition gets a watermark now: once after it settled, then regularly, always behind its data.

    `drained`: the relay has handed over all that it read of these lanes, else the watermark would overtake data and
    a reader that is merely behind would ask for rewinds.
    """
    if not drained:
        return False
    if written_at is None or now - written_at >= WATERMARK_EVERY_SECONDS:
        return True
    return written_at <= changed_at and now - changed_at >= WATERMARK_SETTLES_SECONDS


# --- the source's replies --------------------------------------------------------------------------------------------


def source_reply(
    request: Nak | Verify, source: SourceLane, row: Row | None, *, age_seconds: float
) -> Rewind | Refused | Verified | None:
    """The source's answer: lower every cursor to `Rewind.to` at most, or say Refused or Verified in the lane.

    None: the request is stale and ignored. `row` is the first one held at or above the sequence asked for.
    """
    if age_seconds > REQUEST_SECONDS:
        return None
    wanted = request.to if isinstance(request, Nak) else request.sequence
    if wanted < source.floor - 1:
        return Refused(request.lane, source.floor)
    if isinstance(request, Nak):
        return Rewind(request.lane, request.to)
    return Verified(request.lane, request.nonce, knows(source, row, request))


# --- retention -------------------------------------------------------------------------------------------------------


def floor_plan(
    children: Sequence[Child],
    reported: Mapping[str, Mapping[LaneNumber, int]],
    floors: Mapping[LaneNumber, int],
    *,
    capped: Collection[str],
) -> MoveFloor | KeepAll:
    """Which of the expired `children` (oldest first) may go.

    `reported`: the marks of every group registered for these lanes; a lane without a report holds everything.
    `capped`: children beyond the hard cap, which go in any case.
    """
    dropped: list[Child] = []
    forced: set[str] = set()
    for child in children:
        holding = _holding(child, reported)
        if holding and child.name not in capped:
            break
        forced.update(holding)
        dropped.append(child)
    if not dropped:
        return KeepAll(tuple(_holding(children[0], reported)) if children else ())
    raised = dict(floors)
    for child in dropped:
        for lane, highest in child.highest.items():
            raised[lane] = max(raised.get(lane, 1), highest + 1)
    return MoveFloor(tuple(dropped), raised, tuple(sorted(forced)))


def _holding(child: Child, reported: Mapping[str, Mapping[LaneNumber, int]]) -> list[str]:
    return sorted(
        group
        for group, marks in reported.items()
        if any(marks.get(lane, NEVER_REPORTED) < highest for lane, highest in child.highest.items())
    )

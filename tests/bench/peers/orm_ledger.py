"""The loyalty ledger as the ORM's tutorial would map it: one class per table, changed object by object.

Source: SQLAlchemy 2.0, ORM Quick Start and Asynchronous I/O.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, BigInteger, DateTime, ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

_Instant = DateTime(timezone=True)


class Base(DeclarativeBase):
    """The tables of this peer."""


class Member(Base):
    __tablename__ = "member"

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    merchant_id: Mapped[UUID]
    posted: Mapped[int] = mapped_column(BigInteger, default=0)
    debt: Mapped[int] = mapped_column(BigInteger, default=0)
    spend: Mapped[int] = mapped_column(BigInteger, default=0)
    step: Mapped[int] = mapped_column(default=0)
    enrolled_at: Mapped[datetime | None] = mapped_column(_Instant)


class Order(Base):
    __tablename__ = "order"

    order_id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("member.customer_id"), index=True)
    version: Mapped[int] = mapped_column(BigInteger)
    placed_at: Mapped[datetime] = mapped_column(_Instant)
    currency: Mapped[str]
    eligible: Mapped[int] = mapped_column(BigInteger)
    window_ends_at: Mapped[datetime] = mapped_column(_Instant)
    line_refunds: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)
    refunded: Mapped[int] = mapped_column(BigInteger, default=0)
    counted: Mapped[int] = mapped_column(BigInteger, default=0)
    earned: Mapped[int] = mapped_column(BigInteger, default=0)
    reversed: Mapped[int] = mapped_column(BigInteger, default=0)
    paid_at: Mapped[datetime | None] = mapped_column(_Instant)
    cancelled_at: Mapped[datetime | None] = mapped_column(_Instant)


class LedgerEntry(Base):
    __tablename__ = "ledger_entry"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("member.customer_id"), index=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("order.order_id"))
    kind: Mapped[str]
    debit: Mapped[str]
    credit: Mapped[str]
    points: Mapped[int] = mapped_column(BigInteger)
    cause: Mapped[UUID]
    occurred_at: Mapped[datetime] = mapped_column(_Instant)


class Lot(Base):
    __tablename__ = "lot"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("member.customer_id"), index=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("order.order_id"))
    granted: Mapped[int] = mapped_column(BigInteger)
    remaining: Mapped[int] = mapped_column(BigInteger)
    available_at: Mapped[datetime] = mapped_column(_Instant)


class ProcessedEvent(Base):
    __tablename__ = "processed_event"

    event_id: Mapped[UUID] = mapped_column(primary_key=True)


class OutboxEvent(Base):
    __tablename__ = "outbox_event"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    key: Mapped[str]
    type: Mapped[str]
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)

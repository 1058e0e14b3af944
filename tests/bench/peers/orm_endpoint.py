"""`python -m tests.bench.peers.orm_endpoint PORT DATABASE_URL SECRET`: the intake as the tutorials write it.

A Pydantic body, dependencies for signature and session, an ORM object added, committed, refreshed and returned. The
pool is as large as it is useful on a small machine, the server the same as ours.
Source: FastAPI tutorial, "SQL (Relational) Databases"; SQLAlchemy 2.0, "Asynchronous I/O", AsyncSession.
"""

import base64
import hashlib
import hmac
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

import uvicorn
from fastapi import Depends, FastAPI, Header, HTTPException, Request
from pydantic import BaseModel, ConfigDict
from sqlalchemy import JSON, BigInteger, DateTime, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from tests.bench.peers.validate_model import ShopifyOrder

_Instant = DateTime(timezone=True)


class Base(DeclarativeBase):
    """The tables of this peer."""


class StoredOrder(Base):
    __tablename__ = "stored_order"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    webhook_id: Mapped[str] = mapped_column(unique=True)
    order_id: Mapped[int] = mapped_column(BigInteger, index=True)
    customer_id: Mapped[int] = mapped_column(BigInteger, index=True)
    name: Mapped[str]
    email: Mapped[str | None]
    currency: Mapped[str]
    financial_status: Mapped[str]
    total_price: Mapped[Decimal]
    total_tax: Mapped[Decimal]
    total_discounts: Mapped[Decimal]
    placed_at: Mapped[datetime] = mapped_column(_Instant)
    updated_at: Mapped[datetime] = mapped_column(_Instant)
    received_at: Mapped[datetime] = mapped_column(_Instant)
    body: Mapped[dict[str, Any]] = mapped_column(JSON)


class Accepted(BaseModel):
    """The response model."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    order_id: int
    received_at: datetime


def application(url: str, secret: bytes) -> FastAPI:
    """The application on its own tables."""
    engine = create_async_engine(
        url.replace("postgresql://", "postgresql+asyncpg://"), pool_size=16, max_overflow=0, pool_timeout=30
    )
    sessions = async_sessionmaker(engine, expire_on_commit=False)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        yield
        await engine.dispose()

    async def get_session() -> AsyncIterator[AsyncSession]:
        async with sessions() as session:
            yield session

    async def signed(request: Request, x_shopify_hmac_sha256: Annotated[str, Header()]) -> None:
        digest = hmac.digest(secret, await request.body(), hashlib.sha256)
        if not hmac.compare_digest(base64.b64encode(digest).decode(), x_shopify_hmac_sha256):
            raise HTTPException(401)

    app = FastAPI(lifespan=lifespan)

    @app.post("/orders", response_model=Accepted, dependencies=[Depends(signed)])
    async def take(
        order: ShopifyOrder,
        x_shopify_webhook_id: Annotated[str, Header()],
        session: Annotated[AsyncSession, Depends(get_session)],
    ) -> StoredOrder:
        known = await session.scalar(select(StoredOrder).where(StoredOrder.webhook_id == x_shopify_webhook_id))
        if known is not None:
            return known
        stored = StoredOrder(
            webhook_id=x_shopify_webhook_id,
            order_id=order.id,
            customer_id=order.customer.id,
            name=order.name,
            email=order.email,
            currency=order.currency,
            financial_status=order.financial_status,
            total_price=order.total_price,
            total_tax=order.total_tax,
            total_discounts=order.total_discounts,
            placed_at=order.processed_at,
            updated_at=order.updated_at,
            received_at=datetime.now(UTC),
            body=order.model_dump(mode="json"),
        )
        session.add(stored)
        await session.commit()
        await session.refresh(stored)
        return stored

    return app


if __name__ == "__main__":
    app = application(sys.argv[2], sys.argv[3].encode())
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), loop="uvloop", http="httptools", access_log=False)

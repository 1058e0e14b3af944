"""A merchant's transaction sees that merchant's rows, and none without naming one."""

from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from libs.servicekit.errors import UnknownMerchant
from libs.servicekit.tenancy import merchant_numbers
from tests.libs.servicekit.storage.conftest import Kit

_ADD = text("INSERT INTO thing (merchant_no, name) VALUES (:merchant_no, :name)")


async def test_a_merchants_transaction_sees_only_its_own_rows(kit: Kit) -> None:
    for merchant in (kit.merchant, kit.other):
        async with kit.api.begin(merchant) as uow:
            await uow.connection.execute(_ADD, {"merchant_no": uow.tenant, "name": str(merchant)})

    async with kit.api.begin(kit.merchant) as uow:
        names = (await uow.connection.scalars(text("SELECT name FROM thing"))).all()

    assert names == [str(kit.merchant)]


async def test_writing_into_another_merchants_rows_is_refused(kit: Kit) -> None:
    async with kit.worker.begin() as uow:
        numbers = await merchant_numbers(uow.connection, [kit.merchant, kit.other])

    with pytest.raises(DBAPIError, match="row-level security"):
        async with kit.api.begin(kit.merchant) as uow:
            await uow.connection.execute(_ADD, {"merchant_no": numbers[kit.other], "name": "stolen"})


async def test_a_transaction_without_a_merchant_fails_rather_than_seeing_everything(kit: Kit) -> None:
    with pytest.raises(DBAPIError, match=r"app\.tenant|invalid input syntax"):
        async with kit.api.begin() as uow:
            await uow.connection.execute(text("SELECT * FROM thing"))


async def test_the_tenant_of_one_transaction_does_not_leak_into_the_next(kit: Kit) -> None:
    async with kit.api.begin(kit.merchant):
        pass

    with pytest.raises(DBAPIError, match=r"app\.tenant|invalid input syntax"):
        async with kit.api.begin() as uow:
            await uow.connection.execute(text("SELECT * FROM thing"))


async def test_a_merchant_that_the_service_never_heard_of_is_an_error_of_its_own(kit: Kit) -> None:
    with pytest.raises(UnknownMerchant):
        async with kit.api.begin(uuid4()):
            pass


async def test_the_platform_sees_merchants_and_nothing_else(kit: Kit) -> None:
    async with kit.api.begin_platform() as uow:
        assert await uow.connection.scalar(text("SELECT count(*) FROM merchant")) == 2

    with pytest.raises(DBAPIError, match=r"app\.tenant|invalid input syntax"):
        async with kit.api.begin_platform() as uow:
            await uow.connection.execute(text("SELECT * FROM thing"))


async def test_a_batch_of_many_merchants_is_the_workers_right(kit: Kit) -> None:
    async with kit.worker.begin() as uow:
        numbers = await merchant_numbers(uow.connection, [kit.merchant, kit.other, uuid4()])
        for number in numbers.values():
            await uow.connection.execute(_ADD, {"merchant_no": number, "name": "x"})

        assert await uow.connection.scalar(text("SELECT count(*) FROM thing")) == 2

"""A test that never ends, for the test of interruptions to run: it has a server, and tells where."""

import asyncio


async def test_for_ever(admin_url: str) -> None:
    print(f"waiting with {admin_url}", flush=True)
    await asyncio.Event().wait()

"""Ctrl-C and its kin, turned into one orderly end."""

import asyncio
import signal


def cancel_once_on_signals() -> None:
    """The present task is cancelled by the first SIGINT, SIGTERM or SIGHUP; later ones do not disturb its stopping."""
    task = asyncio.current_task()
    assert task is not None
    loop = asyncio.get_running_loop()
    asked = False

    def cancel() -> None:
        nonlocal asked
        if not asked:
            asked = True
            task.cancel()

    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(each, cancel)

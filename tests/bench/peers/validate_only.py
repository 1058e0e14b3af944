"""`python -m tests.bench.peers.validate_only PORT SECRET`: signature and Pydantic, nothing stored.

The same server, settings and garbage collection as our own APIs; a plain ASGI application, since every framework
above it would only cost more. What stores nothing is the ceiling for all that do.
"""

import asyncio
import base64
import hashlib
import hmac
import sys
from http import HTTPStatus

import uvloop
from pydantic import ValidationError
from starlette.types import ASGIApp, Receive, Scope, Send

from libs.servicekit import logs
from libs.servicekit.process import run_process, serve
from tests.bench.peers.validate_model import ShopifyOrder


def validating(secret: bytes) -> ASGIApp:
    """The application."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = await _body(receive)
        headers = dict(scope["headers"])
        status = _judged(body, headers.get(b"x-shopify-hmac-sha256", b""), secret)
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    return app


def _judged(body: bytes, signature: bytes, secret: bytes) -> int:
    expected = base64.b64encode(hmac.digest(secret, body, hashlib.sha256))
    if not hmac.compare_digest(expected, signature):
        return HTTPStatus.UNAUTHORIZED
    try:
        ShopifyOrder.model_validate_json(body)
    except ValidationError:
        return HTTPStatus.UNPROCESSABLE_ENTITY
    return HTTPStatus.OK


async def _body(receive: Receive) -> bytes:
    parts = []
    more = True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


if __name__ == "__main__":
    port, key = int(sys.argv[1]), sys.argv[2].encode()
    # As our own processes do: unconfigured, a log line that nobody reads any more would raise, and keep it from ending.
    logs.configure(service="bench", process="validate-only", level="INFO", fmt="json")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run_process({"http": serve(validating(key), host="127.0.0.1", port=port)}))

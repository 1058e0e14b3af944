"""What the stand-ins share that keep orders as the text that they were put in as."""

import json
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tests.services.order_ingest.bodies import encoded


class Refused(Exception):
    """The question is none that the documentation allows."""

    def __init__(self, answer: Response) -> None:
        super().__init__(answer.status_code)
        self.answer = answer


class StrictShop:
    """`asked` is the path and query of every question, refused ones too."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._orders: dict[Any, bytes] = {}
        self._failures: deque[Response] = deque()

    def put(self, body: Mapping[str, Any] | bytes) -> bytes:
        """The order is there, in place of an older one of its id; its text."""
        text = body if isinstance(body, bytes) else encoded(body)
        self._orders[json.loads(text)["id"]] = text
        return text

    def fail_next(self, status: int, headers: Mapping[str, str] | None = None, body: bytes = b"") -> None:
        """The next question is answered like this, whatever it is."""
        self._failures.append(Response(body, status, dict(headers or {})))

    def _query(self, request: Request) -> Mapping[str, str]:
        """The question's parameters, each once, from somebody who may ask. Raises: Refused."""
        raise NotImplementedError

    def _answered(self, request: Request, answer: Callable[[Request, Mapping[str, str]], Response]) -> Response:
        self.asked.append(f"{request.url.path}?{request.url.query}".rstrip("?"))
        if self._failures:
            return self._failures.popleft()
        try:
            return answer(request, self._query(request))
        except Refused as refusal:
            return refusal.answer

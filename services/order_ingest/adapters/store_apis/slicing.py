"""Pieces of a JSON text, byte for byte as they were written.

Reading a number and writing it again may change it (1.10, 1E2, an id beyond 2^53), and a document is what the store
wrote. So values are only measured here: each is cut out between the borders that the parser finds.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from services.order_ingest.application.store_apis import ApiAway

T = TypeVar("T")

# What the values are is nobody's concern here: a number of any length passes, and so does a raw tab inside a text. The
# order that holds such a thing is looked at by itself later, and does not spoil the others of its page.
_DECODER: Final = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str, strict=False)
_SPACES: Final = frozenset(" \t\n\r")


def elements(body: bytes, name: str | None) -> list[bytes]:
    """Each element of the array under the key `name` of the object that `body` is; without a name `body` is the array.

    Raises:
        ApiAway: it is not such a JSON text in UTF-8, or the key is not there exactly once.
    """
    return [piece.encode() for piece in _read(body, name, _Scanner.array)]


def value(body: bytes, name: str | None) -> bytes:
    """The value under the key `name` of the object that `body` is; without a name all of `body`, which may be anything.

    Raises:
        ApiAway: it is not such a JSON text in UTF-8, or the key is not there exactly once.
    """
    return _read(body, name, _Scanner.value).encode()


def _read(body: bytes, name: str | None, read: "Callable[[_Scanner], T]") -> T:
    with _no_json():
        # Some sites' PHP files begin with a byte order mark, and then all their answers do.
        scanner = _Scanner(body.decode("utf-8-sig"))
        found = read(scanner) if name is None else scanner.member(name, read)
        scanner.end()
        return found


@contextmanager
def _no_json() -> Iterator[None]:
    try:
        yield
    except (ValueError, RecursionError) as error:
        raise ApiAway(f"the answer is not the JSON that was promised ({type(error).__name__})") from error


class _Scanner:
    """Goes through a JSON text once, from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def value(self) -> str:
        """The next value as it is written."""
        self._pass_spaces()
        start = self._at
        _, self._at = _DECODER.raw_decode(self._text, start)
        return self._text[start : self._at]

    def array(self) -> list[str]:
        """Each element of the next value, which must be an array."""
        self._pass("[")
        found = [] if self._is_next("]") else [self.value()]
        while self._takes(","):
            found.append(self.value())
        self._pass("]")
        return found

    def member(self, name: str, read: "Callable[[_Scanner], T]") -> T:
        """What `read` makes of the value under `name` in the next value, which must be an object."""
        self._pass("{")
        found = [] if self._is_next("}") else self._one_member(name, read)
        while self._takes(","):
            found += self._one_member(name, read)
        self._pass("}")
        [only] = found
        return only

    def end(self) -> None:
        """Nothing but space is left."""
        self._pass_spaces()
        if self._at != len(self._text):
            raise ValueError("more than one value")

    def _one_member(self, name: str, read: "Callable[[_Scanner], T]") -> list[T]:
        if not self._is_next('"'):
            raise ValueError("no key")
        key = json.loads(self.value(), strict=False)
        self._pass(":")
        if key == name:
            return [read(self)]
        self.value()
        return []

    def _pass_spaces(self) -> None:
        while self._text[self._at : self._at + 1] in _SPACES:
            self._at += 1

    def _is_next(self, mark: str) -> bool:
        self._pass_spaces()
        return self._text.startswith(mark, self._at)

    def _takes(self, mark: str) -> bool:
        found = self._is_next(mark)
        self._at += len(mark) if found else 0
        return found

    def _pass(self, mark: str) -> None:
        if not self._takes(mark):
            raise ValueError(f"no {mark}")

"""Addresses, headers, links and plain text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.messaging.domain.address import display_name, is_deliverable, masked, subject_line
from services.messaging.domain.plain_text import plain_text
from services.messaging.domain.unsubscribe import BadToken, Unsubscription, read_token, token_of
from tests.services.messaging.facts import MERCHANT, ident

KEY = b"a key"
WANTED = Unsubscription(MERCHANT, ident("ada"), "email", "marketing")


@pytest.mark.parametrize("address", ["ada@shop.example", "a.b+c@x-y.example", "o'hara@a.b.c.example", "x@1.example"])
def test_usual_addresses_are_deliverable(address: str) -> None:
    assert is_deliverable(address)


@pytest.mark.parametrize(
    "address",
    [
        *("", "ada", "@x.example", "ada@", "ada@x", "a@b@c.example", ".a@x.example", "a..b@x.example", "a @x.example"),
        *("a@x.example\n", "a@-x.example", "é@x.example", '"a b"@x.example', "a@[127.0.0.1]", f"{'a' * 65}@x.example"),
    ],
)
def test_odd_addresses_are_not(address: str) -> None:
    assert not is_deliverable(address)


@given(st.text(max_size=400))
def test_header_texts_stay_on_one_line(text: str) -> None:
    for line in (subject_line(text), display_name(text)):
        assert len(line.splitlines()) <= 1
        assert not any(character in line for character in "\r\n\0")
    assert '"' not in display_name(text)


def test_masked_address_cannot_be_used() -> None:
    assert masked("ada@shop.example") == "a***@shop.example"


def test_token_names_what_it_was_made_for() -> None:
    assert read_token(token_of(WANTED, key=KEY), key=KEY) == WANTED


def test_token_of_another_key_is_refused() -> None:
    with pytest.raises(BadToken):
        read_token(token_of(WANTED, key=KEY), key=b"another")


@given(st.data())
def test_changed_token_is_refused(data: st.DataObject) -> None:
    token = token_of(WANTED, key=KEY)
    place = data.draw(st.integers(0, len(token) - 2))
    letter = data.draw(st.sampled_from("ABCabc012_-"))
    changed = token[:place] + letter + token[place + 1 :]

    if changed != token:
        with pytest.raises(BadToken):
            read_token(changed, key=KEY)


@given(st.text(max_size=200))
def test_any_text_is_either_a_token_or_refused(text: str) -> None:
    with pytest.raises(BadToken):
        read_token(text, key=KEY)


def test_plain_text_keeps_blocks_lists_and_links() -> None:
    html = '<h1>Hello</h1><p>Two &amp; <b>three</b><br>lines</p><ul><li>one</li><li><a href="https://x.example">two</a></li></ul>'

    assert plain_text(html) == "Hello\n\nTwo & three\nlines\n\n- one\n- two (https://x.example)\n"

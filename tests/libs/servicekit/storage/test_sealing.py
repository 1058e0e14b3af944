"""Sealed values open only with the ring, rest only in their place, and match only within one merchant."""

from uuid import uuid4

import pytest
from cryptography.fernet import Fernet

from libs.servicekit.errors import SealBroken
from libs.servicekit.sealing import Sealer, Vault

_OLD, _NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def test_sealed_details_open_and_absent_ones_are_left_out() -> None:
    sealer = Sealer([_NEW], b"match" * 4)

    token = sealer.seal({"email": "a@example.com", "phone": None})

    assert sealer.open(token) == {"email": "a@example.com"}
    assert "example" not in token


def test_a_new_key_in_front_seals_and_the_old_one_still_opens() -> None:
    token = Sealer([_OLD], b"match" * 4).seal({"email": "a@example.com"})

    assert Sealer([_NEW, _OLD], b"match" * 4).open(token)["email"] == "a@example.com"
    with pytest.raises(SealBroken):
        Sealer([_NEW], b"match" * 4).open(token)


def test_blind_indexes_match_within_a_merchant_and_kind_only() -> None:
    sealer, one, two = Sealer([_NEW], b"match" * 4), uuid4(), uuid4()

    index = sealer.blind_index(one, "email", "a@example.com")

    assert index == sealer.blind_index(one, "email", "a@example.com")
    assert index != sealer.blind_index(two, "email", "a@example.com")
    assert index != sealer.blind_index(one, "phone", "a@example.com")


def test_a_stored_row_cannot_be_read_from_another_place() -> None:
    vault = Vault([b"k" * 32])
    stored = vault.encrypt(b"body", "m|delivery|body|1")

    assert vault.decrypt(stored, "m|delivery|body|1") == b"body"
    with pytest.raises(SealBroken):
        vault.decrypt(stored, "m|delivery|body|2")


def test_rows_of_a_retired_key_open_while_it_stays_in_the_ring() -> None:
    stored = Vault([b"o" * 32]).encrypt(b"body", "p")

    assert Vault([b"n" * 32, b"o" * 32]).decrypt(stored, "p") == b"body"
    with pytest.raises(SealBroken):
        Vault([b"n" * 32]).decrypt(stored, "p")

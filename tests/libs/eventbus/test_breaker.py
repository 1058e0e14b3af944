"""The circuit breaker counts subjects that failed themselves, among the last thousand."""

import pytest

from libs.eventbus.breaker import Breaker
from libs.eventbus.errors import TooManyFailures
from libs.eventbus.words import Lane, Subject


def subject(number: int) -> Subject:
    return Lane("s", "t", number % 64), str(number)


def test_more_than_fifty_failures_among_few_subjects_open_it() -> None:
    breaker = Breaker("g")
    for number in range(50):
        breaker.failed(subject(number))

    with pytest.raises(TooManyFailures):
        breaker.failed(subject(50))


def test_one_percent_of_bad_subjects_never_opens_it() -> None:
    breaker = Breaker("g")

    for number in range(20_000):
        if number % 100 == 0:
            breaker.failed(subject(number))
        else:
            breaker.applied([subject(number)])


def test_one_subject_that_fails_again_and_again_counts_once() -> None:
    breaker = Breaker("g")

    for _ in range(500):
        breaker.failed(subject(1))


def test_failures_are_forgotten_with_the_subjects_that_had_them() -> None:
    breaker = Breaker("g")
    for number in range(40):
        breaker.failed(subject(number))
    breaker.applied(subject(number) for number in range(1000, 2000))

    for number in range(40):
        breaker.failed(subject(5000 + number))

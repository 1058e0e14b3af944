"""One URL says where a cluster is, what its names begin with, and how long a silent member keeps its partitions."""

import pytest

from libs.eventbus.errors import UnknownTransport
from libs.eventbus.kafka_address import KafkaAddress
from libs.eventbus.transports import open_bus


def test_servers_alone_are_enough() -> None:
    assert KafkaAddress.parse("kafka://one:9092,two:9093") == KafkaAddress("one:9092,two:9093", "", 30.0)


def test_a_prefix_goes_before_every_name_and_off_again() -> None:
    address = KafkaAddress.parse("kafka://one:9092/shop-1?session_timeout_seconds=10")

    assert address.session_seconds == 10.0
    assert address.named("commerce") == "shop-1.commerce"
    assert address.ours("shop-1.commerce") == "commerce"


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("kafka://one", "needs its port"),
        ("kafka://one:9092,two", "needs its port"),
        ("kafka://:9092", "needs its port"),
        ("kafka://one:99999", "needs its port"),
        ("postgresql://one:9092", "needs its port"),
        ("kafka://one:9092/Two Words", "prefix"),
        ("kafka://one:9092?session=10", "only option"),
        ("kafka://one:9092?session_timeout_seconds=soon", "6 to 1800"),
        ("kafka://one:9092?session_timeout_seconds=5", "6 to 1800"),
        ("kafka://one:9092?session_timeout_seconds=nan", "6 to 1800"),
    ],
)
def test_what_is_wrong_is_named(url: str, complaint: str) -> None:
    with pytest.raises(UnknownTransport, match=complaint):
        KafkaAddress.parse(url)


def test_a_url_without_a_transport_is_refused_without_being_repeated() -> None:
    with pytest.raises(UnknownTransport) as refused:
        open_bus("redis://user:secret@host")

    assert "secret" not in str(refused.value)

"""A withdrawal from marketing is pushed back to the shops that know the customer."""

from libs.contracts.envelope import Event
from libs.contracts.messaging import ConsentChangedV1
from services.order_ingest.application.hearing import Hearing, Withdrawal
from services.order_ingest.domain.withdrawal import TOPIC, can_be_told


def is_withdrawal(fact: ConsentChangedV1) -> bool:
    """Whether shops have to know."""
    return fact.to_state == "unsubscribed" and fact.topic == TOPIC


def push_withdrawal(hearing: Hearing, event: Event[ConsentChangedV1]) -> None:
    """Every store that can be told will be told, the one from which the withdrawal came too.

    Its proof names a platform at most, never a store; and a store that knows already is told nothing new.
    """
    fact = event.fact
    if not is_withdrawal(fact):
        return
    for store in hearing.knowing.get((event.merchant_id, fact.customer_id), ()):
        if can_be_told(store.platform, fact.channel):
            hearing.withdrawals.append(
                Withdrawal(
                    store=store, customer_id=fact.customer_id, channel=fact.channel, at=fact.at, cause_id=event.id
                )
            )

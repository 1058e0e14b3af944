"""What another service has answered to a request about privacy is kept until all have."""

from libs.contracts.envelope import Event
from libs.contracts.privacy import DataExportCompletedV1, ErasureCompletedV1
from services.order_ingest.application.apply_privacy import DATA_EXPORT, ERASURE, STORE_ERASURE
from services.order_ingest.application.hearing import HeardAnswer, Hearing


def hear_of_erasure(hearing: Hearing, event: Event[ErasureCompletedV1]) -> None:
    """One service has cleared a customer, or all that belonged to a store."""
    fact = event.fact
    kind = ERASURE if fact.kind == "customer" else STORE_ERASURE
    hearing.answers.append(
        HeardAnswer(merchant_id=event.merchant_id, request_id=fact.request_id, kind=kind, service=_service(event))
    )


def hear_of_export(hearing: Hearing, event: Event[DataExportCompletedV1]) -> None:
    """One service has told a part of all that it keeps about a customer."""
    fact = event.fact
    hearing.answers.append(
        HeardAnswer(
            merchant_id=event.merchant_id,
            request_id=fact.request_id,
            kind=DATA_EXPORT,
            service=_service(event),
            part=fact.part,
            parts=fact.parts,
            data_sealed=fact.data_sealed,
        )
    )


def _service(event: Event[ErasureCompletedV1] | Event[DataExportCompletedV1]) -> str:
    """Who said so by the envelope: a service answers for itself."""
    return event.envelope.source

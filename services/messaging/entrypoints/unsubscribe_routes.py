"""`/v1/u/{token}`: the link in every marketing mail. Public, without session or cookie. Source: RFC 8058."""

from typing import Annotated, Final

from fastapi import APIRouter, Path
from starlette.responses import HTMLResponse

from libs.servicekit.problems import Problem, not_found
from services.messaging.application.withdraw_consent import withdraw_consent
from services.messaging.domain.unsubscribe import BadToken, Unsubscription, read_token
from services.messaging.entrypoints.asking import TheKit, ThePorts

router = APIRouter(prefix="/v1/u", tags=["unsubscribe"])

Token = Annotated[str, Path(max_length=300, examples=["q83vASNFZ4mrze8BI0VniQGPAAAAAHAAgAAAAAAAAAEBjwAAAABwAIA"])]

_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; form-action 'self'; style-src 'unsafe-inline'",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}
_PAGE: Final = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Unsubscribe</title>'
    '<meta name="viewport" content="width=device-width"></head>'
    '<body style="font-family:sans-serif;max-width:32em;margin:4em auto">{body}</body></html>'
)
_ASK: Final = (
    "<h1>Unsubscribe</h1><p>You will get no more messages of this kind.</p>"
    '<form method="post"><button type="submit">Unsubscribe</button></form>'
)
_DONE: Final = "<h1>You are unsubscribed</h1><p>You will get no more messages of this kind.</p>"


@router.get("/{token}", response_class=HTMLResponse, summary="Ask whether to unsubscribe")
async def ask(token: Token, ports: ThePorts) -> HTMLResponse:
    """Changes nothing: mail scanners open every link."""
    _read(token, ports.unsubscribe_key)
    return _page(_ASK)


@router.post("/{token}", response_class=HTMLResponse, summary="Unsubscribe, in one click")
async def unsubscribe(token: Token, kit: TheKit, ports: ThePorts) -> HTMLResponse:
    """Holds for the very next message; doing it again changes nothing. The body is not read."""
    wanted = _read(token, ports.unsubscribe_key)
    async with kit.database.begin(wanted.merchant_id) as uow:
        workspace = await ports.customers.load_customer(uow, wanted.merchant_id, wanted.customer_id)
        if workspace is None:
            raise _unknown()
        withdraw_consent(workspace, wanted)
        await ports.customers.store_customer(uow, workspace)
    return _page(_DONE)


def _read(token: str, key: bytes) -> Unsubscription:
    try:
        return read_token(token, key=key)
    except BadToken as error:
        raise _unknown() from error


def _unknown() -> Problem:
    return not_found("unsubscribe link")


def _page(body: str) -> HTMLResponse:
    return HTMLResponse(_PAGE.format(body=body), headers=_HEADERS)

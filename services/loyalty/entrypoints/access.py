"""What every route of loyalty declares: kit, parts, and who may call it."""

from typing import Annotated

from fastapi import Depends, Security

from libs.servicekit.auth import Principal, authenticated
from libs.servicekit.kit import Kit, kit, part
from services.loyalty.application.parts import Parts

TheKit = Annotated[Kit, Depends(kit)]
TheParts = Annotated[Parts, Depends(part(Parts))]

MembersReader = Annotated[Principal, Security(authenticated, scopes=["members:read"])]
Adjuster = Annotated[Principal, Security(authenticated, scopes=["adjustments:write"])]
ProgrammesReader = Annotated[Principal, Security(authenticated, scopes=["programmes:read"])]
ProgrammesWriter = Annotated[Principal, Security(authenticated, scopes=["programmes:write"])]
LedgerReader = Annotated[Principal, Security(authenticated, scopes=["ledger:read"])]

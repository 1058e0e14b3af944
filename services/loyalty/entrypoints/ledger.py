"""The ledger examined as a whole."""

from fastapi import APIRouter

from services.loyalty.entrypoints.access import LedgerReader, TheKit, TheParts
from services.loyalty.entrypoints.examples import HASH, PROOF, answer
from services.loyalty.entrypoints.ledger_schemas import FindingDocument, HashDocument, ProofDocument

router = APIRouter(prefix="/v1/ledger", tags=["ledger"])


@router.get("/proof", summary="Examine the ledger's invariants, on one snapshot", responses=answer(PROOF))
async def show_proof(principal: LedgerReader, kit: TheKit, parts: TheParts) -> ProofDocument:
    """Each invariant with how much was checked and how often it does not hold."""
    now = kit.clock.now()
    async with kit.database.read(principal.merchant) as uow:
        findings = await parts.proofs.findings(uow, now)
    return ProofDocument(
        at=now,
        violations=sum(finding.violations for finding in findings),
        findings=[FindingDocument.of(finding) for finding in findings],
    )


@router.get("/hash", summary="Digest the ledger, to compare it with a replayed one", responses=answer(HASH))
async def show_hash(principal: LedgerReader, kit: TheKit, parts: TheParts) -> HashDocument:
    """Local numbers and clocks do not count, so two ledgers of the same facts agree."""
    async with kit.database.read(principal.merchant) as uow:
        digest, lines = await parts.proofs.digest(uow)
    return HashDocument(hash=digest, lines=lines)

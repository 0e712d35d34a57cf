"""The acceptance checks. Each measures one promise of the box, and can be run against something broken on purpose."""

from . import (
    claim_race,
    clean_hangup,
    failure_sentences,
    first_call,
    first_syllable,
    inbound_call,
    junk_datagrams,
    ledger_blind_core,
    ledger_crash,
    ledger_erasure,
    ledger_faults,
    ledger_restore,
    ledger_tamper,
    page_reload,
    sip_flood,
    sip_idle,
    sip_interop,
    sip_lossy,
    sip_torture,
)
from .check import Check

CHECKS: dict[str, Check] = {
    check.name: check
    for check in (
        first_call.CHECK,
        inbound_call.CHECK,
        clean_hangup.CHECK,
        first_syllable.CHECK,
        page_reload.CHECK,
        junk_datagrams.CHECK,
        failure_sentences.CHECK,
        ledger_crash.CHECK,
        ledger_blind_core.CHECK,
        ledger_faults.CHECK,
        ledger_restore.CHECK,
        ledger_tamper.CHECK,
        sip_flood.CHECK,
        sip_idle.CHECK,
        sip_interop.CHECK,
        sip_lossy.CHECK,
        sip_torture.CHECK,
        ledger_erasure.CHECK,
        claim_race.CHECK,
    )
}

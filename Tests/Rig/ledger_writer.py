"""Writes records as the box does: sealed for its ledger (RFC 9180), and as rows of a period (AES-256-GCM).

For benches that need a million of them. It follows Sources/Sealing and Sources/Ledger, with OpenSSL's algorithms.
"""

import hashlib
import hmac
import os
import secrets
import sqlite3
import struct
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from .checks.ledger_files import Keyring, derived
from .openssl import Cipher, exchange

_CALL, _SCHEMA, ENDED = 1, 1, 2


@dataclass(frozen=True)
class Record:
    """A call that has ended."""

    identifier: bytes
    dialled: int
    """Milliseconds since 1970."""
    number: str
    user: str
    inbound: bool
    seconds: int

    @property
    def content(self) -> bytes:
        """As Sources/Ledger/CallRecord+Coding.swift has it, padded to a multiple of 64 bytes."""
        fields = b"".join([
            _field(1, struct.pack(">q", self.dialled)), _field(2, struct.pack(">q", self.dialled + 1000)),
            _field(3, struct.pack(">q", self.dialled + 5000)),
            _field(4, struct.pack(">q", self.dialled + 5000 + self.seconds * 1000)),
            _field(5, bytes([int(self.inbound), 0])), _field(6, self.number.encode()), _field(9, b"DE"),
            _field(10, self.user.encode()), _field(11, b"Carrier"), _field(12, b"Firefox on Linux"),
            _field(13, b"Europe/Berlin"), _field(14, b"call.hung-up-here"), _field(15, b"opus"), _field(16, b"PCMA"),
            _field(17, b"bench"), _field(20, struct.pack(">q", 4321)), _field(21, struct.pack(">q", 100)),
            _field(22, struct.pack(">q", 3000)), _field(23, struct.pack(">q", 42_000)),
        ])  # fmt: skip
        return fields + _field(0, bytes(-(len(fields) + 3) % 64))

    @property
    def terms(self) -> list[bytes]:
        """What it is found by."""
        return [f"number\n{self.number}".encode(), f"end\n{self.number[-7:]}".encode(), f"user\n{self.user}".encode()]

    @property
    def header(self) -> bytes:
        """What is bound to the seal."""
        return self.identifier + bytes([_CALL, ENDED]) + struct.pack(">H", _SCHEMA)


def _field(number: int, value: bytes) -> bytes:
    return bytes([number]) + struct.pack(">H", len(value)) + value


class Period:
    """One part of a period: `2026-11.calls.sqlite` and its key, made anew."""

    def __init__(self, ledger: Path, ring: Keyring, name: str) -> None:
        self._name, self._path = name, ledger / f"{name}.calls.sqlite"
        key = secrets.token_bytes(32)
        (ledger / f"{name}.calls.key").write_bytes(ring.wrap(key, f"period {name} calls"))
        self._rows, self._hashes = derived(key, "rows", 32, "period"), derived(key, "hashes", 32, "period")

    def write(self, records: Iterable[Record], template: Path) -> None:
        """`template`: a period that the box has made, for the tables."""
        with closing(sqlite3.connect(template)) as source:
            tables = [row[0] for row in source.execute("SELECT sql FROM sqlite_schema WHERE sql NOT NULL AND name NOT LIKE 'sqlite_%'")]
            marks = [source.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
        cipher, label = Cipher("EVP_aes_256_gcm"), b"sipcall ledger row 1\0"
        with closing(sqlite3.connect(self._path)) as database, database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = OFF")
            for sql in tables:
                database.execute(sql)
            database.execute(f"PRAGMA application_id = {marks[0]}")
            database.execute(f"PRAGMA user_version = {marks[1]}")
            tokens: list[tuple[int, int]] = []
            for number, record in enumerate(records, 1):
                nonce = os.urandom(12)
                sealed = nonce + cipher.seal(self._rows, nonce, record.content, label + record.header + f"{self._name}\n".encode())
                row = (number, record.identifier, _CALL, ENDED, _SCHEMA, sealed)
                database.execute("INSERT INTO row VALUES (?, ?, ?, ?, ?, ?)", row)
                tokens += [(_token(self._hashes, term), number) for term in record.terms]
            # In the order of the table: a million of them in any other take very long.
            database.executemany("INSERT INTO token VALUES (?, ?)", sorted(tokens))
        self._path.chmod(0o600)


def _token(key: bytes, term: bytes) -> int:
    value: int = struct.unpack(">q", hmac.digest(key, term, "sha256")[:8])[0]
    return value


class Sealer:
    """HPKE in base mode: X25519, HKDF-SHA256, ChaCha20-Poly1305."""

    _KEM, _SUITE = b"KEM\0\x20", b"HPKE\0\x20\0\x01\0\x03"

    def __init__(self, public: bytes) -> None:
        self._public = public
        self._cipher = Cipher("EVP_chacha20_poly1305")

    def seal(self, record: Record) -> bytes:
        secret = secrets.token_bytes(32)
        sender, shared = exchange(secret, None), exchange(secret, self._public)
        mixed = _expand(_extract(b"", self._KEM, b"eae_prk", shared), self._KEM, b"shared_secret", sender + self._public, 32)
        context = b"\0" + _extract(b"", self._SUITE, b"psk_id_hash", b"") + _extract(b"", self._SUITE, b"info_hash", b"sipcall record 1")
        schedule = _extract(mixed, self._SUITE, b"secret", b"")
        key, nonce = (_expand(schedule, self._SUITE, name, context, count) for name, count in ((b"key", 32), (b"base_nonce", 12)))
        return b"\x01" + sender + self._cipher.seal(key, nonce, record.content, b"sipcall sealed record 1\0" + record.header)

    def fill(self, spool: Path, records: Iterable[Record]) -> None:
        """Into the spool of a core that does not run."""
        with closing(sqlite3.connect(spool)) as database, database:
            for record in records:
                row = (record.identifier, _CALL, ENDED, _SCHEMA, self.seal(record))
                database.execute("INSERT INTO record (id, kind, revision, schema, sealed) VALUES (?, ?, ?, ?, ?)", row)


def _extract(salt: bytes, suite: bytes, label: bytes, content: bytes) -> bytes:
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + content, hashlib.sha256)


def _expand(key: bytes, suite: bytes, label: bytes, context: bytes, count: int) -> bytes:
    information = struct.pack(">H", count) + b"HPKE-v1" + suite + label + context
    return hmac.digest(key, information + b"\x01", hashlib.sha256)[:count]

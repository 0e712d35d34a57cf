"""The ledger's files as somebody with the disk sees them: what lies in clear, and, with the master key, the box's private key.

Nothing here is the product's own code: it follows Sources/Ledger/Ledger.swift and Sources/Sealing, so that a check does not
believe the box about itself.
"""

import contextlib
import ctypes
import ctypes.util
import hashlib
import hmac
import secrets
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from ..deadlines import RigError
from ..openssl import Cipher

Told = dict[bytes, int]
"""By identifier: the highest revision (dialled 0, answered 1, ended 2)."""


@contextlib.contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Read only: a reader that may write would tidy up the log of a process that was killed."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)
    try:
        yield connection
    finally:
        connection.close()


def databases(state: Path) -> list[Path]:
    """Every database of core and ledger."""
    return sorted([*(state / "core").glob("spool.sqlite"), *(state / "web" / "ledger").glob("*.sqlite")])


def rows(state: Path) -> Counter[bytes]:
    """How many rows each call has in the ledger; more than one is one too many."""
    counts: Counter[bytes] = Counter()
    for path in (state / "web" / "ledger").glob("*.calls.sqlite"):
        with opened(path) as database:
            counts.update(row[0] for row in database.execute("SELECT id FROM row"))
    return counts


def durable(state: Path) -> Told:
    """Every record that is committed somewhere now: in the core's spool or in the ledger."""
    told: Told = {}
    places = [(path, "row") for path in (state / "web" / "ledger").glob("*.calls.sqlite")]
    # The spool first: what is filed in between is seen twice, and not never.
    for path, table in [(state / "core" / "spool.sqlite", "record"), *places]:
        # A file that is being made is not there yet.
        with contextlib.suppress(sqlite3.OperationalError), opened(path) as database:
            for identifier, revision in database.execute(f"SELECT id, revision FROM {table} WHERE kind = 1"):
                told[identifier] = max(revision, told.get(identifier, 0))
    return told


def corrupt(state: Path) -> list[str]:
    """The databases that SQLite's own check finds fault with."""
    found = []
    for path in databases(state):
        try:
            with opened(path) as database:
                if database.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                    found.append(path.name)
        except sqlite3.DatabaseError as error:
            found.append(f"{path.name}: {error}")
    return found


def derived(key: bytes, purpose: str, count: int, owner: str = "master") -> bytes:
    """What the box derives from a key: HKDF-SHA256 without salt (RFC 5869), up to one block."""
    extracted = hmac.digest(bytes(32), key, hashlib.sha256)
    return hmac.digest(extracted, f"sipcall {owner} {purpose} 1".encode() + b"\x01", hashlib.sha256)[:count]


def audit_mark(key: bytes, period: str, sequence: int, head: bytes) -> bytes:
    """What authenticates how far the audit log has come, by the key of its period."""
    return hmac.digest(derived(key, "heads", 32, "period"), f"{period}\n{sequence}\n".encode() + head, hashlib.sha256)


class Keyring:
    """The master keys, newest first, as the file or the credential has them."""

    def __init__(self, keys: list[bytes]) -> None:
        self.keys = keys

    @classmethod
    def read(cls, path: Path) -> "Keyring":
        lines = [line.split() for line in path.read_text().splitlines() if line.startswith("sipcall-master-1 ")]
        return cls([bytes.fromhex(words[2]) for words in lines])

    def write(self, path: Path) -> None:
        """Whole, or as it was."""
        lines = [f"sipcall-master-1 {derived(key, 'name', 8).hex()} {key.hex()}\n" for key in self.keys]
        unfinished = path.with_suffix(".new")
        unfinished.write_text("".join(lines))
        unfinished.chmod(0o600)
        unfinished.rename(path)

    def turned(self, ledger: Path) -> "Keyring":
        """With a new key in front, and without those that wrap nothing any more."""
        used = {path.read_bytes()[5:13] for path in ledger.glob("*.key")}
        return Keyring([secrets.token_bytes(32), *(key for key in self.keys if derived(key, "name", 8) in used)])

    def unwrap(self, path: Path, purpose: str) -> bytes:
        """The key in a file; RigError when none of the master keys opens it."""
        wrapped = path.read_bytes()
        for key in self.keys:
            if derived(key, "name", 8) == wrapped[5:13]:
                associated = b"sipcall wrapped key 1\0" + wrapped[:13] + purpose.encode()
                return _aes_gcm(derived(key, "wrap", 32), wrapped[13:], associated)
        raise RigError(f"no master key opens {path.name}")


    def wrap(self, secret: bytes, purpose: str) -> bytes:
        """A key file, by the newest master key."""
        key, nonce = self.keys[0], secrets.token_bytes(12)
        head = b"SCWK\x01" + derived(key, "name", 8)
        associated = b"sipcall wrapped key 1\0" + head + purpose.encode()
        sealed = Cipher("EVP_aes_256_gcm").seal(derived(key, "wrap", 32), nonce, secret, associated)
        return head + nonce + sealed


def _aes_gcm(key: bytes, sealed: bytes, associated: bytes) -> bytes:
    """`nonce (12) | ciphertext | tag (16)`, opened by OpenSSL."""
    library = ctypes.CDLL(ctypes.util.find_library("crypto") or "libcrypto.so.3")
    library.EVP_CIPHER_CTX_new.restype = library.EVP_aes_256_gcm.restype = ctypes.c_void_p
    context, cipher = ctypes.c_void_p(library.EVP_CIPHER_CTX_new()), ctypes.c_void_p(library.EVP_aes_256_gcm())
    nonce, content, tag = sealed[:12], sealed[12:-16], sealed[-16:]
    plain, count = ctypes.create_string_buffer(len(content) + 16), ctypes.c_int()
    done = [
        library.EVP_DecryptInit_ex(context, cipher, None, key, nonce),
        library.EVP_DecryptUpdate(context, None, ctypes.byref(count), associated, len(associated)),
        library.EVP_DecryptUpdate(context, plain, ctypes.byref(count), content, len(content)),
        library.EVP_CIPHER_CTX_ctrl(context, 0x11, 16, ctypes.c_char_p(tag)),
        library.EVP_DecryptFinal_ex(context, ctypes.byref(plain, count.value), ctypes.byref(ctypes.c_int())),
    ]
    library.EVP_CIPHER_CTX_free(context)
    if not all(one == 1 for one in done):
        raise RigError(f"a wrapped key does not open: {done}")
    return plain.raw[: len(content)]

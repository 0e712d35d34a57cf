// Ledger: what the box keeps of its calls, so that it survives a crash, is read by its owner alone, and can be forgotten.
//
// In the room: call records and what privacy leaves of them, the core's spool, the web process's ledger of periods, search,
// totals, export, erasure, retention, the audit log.
// Never in the room: the control socket, HTTP, the journal; which number is whose.
//
// # For a reviewer of the cryptography
//
//  core process                                     web process
//  ────────────                                     ───────────
//  record ─HPKE, public key─▶ spool.sqlite ─batch─▶ HPKE, private key ─▶ AES-256-GCM, period key ─▶ 2026-11.calls.sqlite
//                                  ▲                                                                        │
//                                  └────────────────────── acknowledge, when it is durable ─────────────────┘
//
// ## Keys, who holds them, where they lie
//  master keyring      AES-256, 1 key, 2 while it is changed │ web; systemd credential (TPM or host key) or a 0600 file
//  box key             X25519, private half                  │ web; box.key, wrapped by the master key
//  sealing key         its public half                       │ core; no secret
//  period key          256 bits a part of a period and kind  │ web; 2026-11.calls.key, wrapped by the master key
//    └ rows, hashes, heads: HKDF-SHA256 of it                │ memory only
//  erasure key         HMAC-SHA-256                          │ web; erasures.key, wrapped; it goes into every backup
//  recovery key        X25519, 24 words or an age identity   │ the owner's paper; the box has its public half
//
// ## Nonces
// HPKE: one key agreement with a fresh ephemeral key for each record, so each AEAD key is used once. AES-GCM: 96 random bits from
// the kernel, never a counter: a counter restored from a backup would come twice. A key seals far fewer than 2^32 rows
// (SP 800-38D §8.3): a period's part ends at ``LedgerSettings/largestFile``, some million rows.
//
// ## Associated data
// Sealed record: label, identifier, kind, revision, schema. Row: the same under another label, and the period's name. Audit
// entry: its sequence number and the hash of the entry before it as well. Wrapped key: form, master's name, purpose. So nothing
// passes for another row, revision, period, file or purpose, nor for an older form.
//
// ## In clear
// Identifiers (random), revision (a call that was dialled, answered, ended), kind, order and padded size of rows, how many rows
// a period has, and for number, last seven digits, user and call one keyed 64-bit hash each.
//
// ## What who gets
//  thief of the disk, powered off     with a TPM or host key credential kept elsewhere: the clear part. He sees which rows of one
//                                     period have the same party, not which party. With the 0600 master key file: everything.
//  member of the group sipcall        nothing of it: key and records go over a socket that only the web process may open.
//  core process taken over            what passes through it from then on. Nothing of the past: spool and ledger do not open
//                                     with what it has. It can forge records (base mode does not authenticate the sender), but no
//                                     amendment of one that has ended, and delete what the spool still holds.
//  web process taken over             everything that is kept and comes, until it is thrown out; not what was destroyed.
//  an old backup                      nothing without recovery key. With it: what was kept on that day, period keys included
//                                     that were destroyed since; so retention holds in full when the last backup from before has
//                                     been rotated away.
//  root                               everything that the web process has. Sandboxes do not hold root.
//  who writes to the disk unnoticed   any altered bit of a row, key or audit entry is detected. He can remove whole rows of
//                                     calls, or put back a whole older file: of the audit log the head in journal and backups
//                                     shows that, of call records nothing does. `sipcall verify` looks: ``LedgerInspection``.
//
// ## Forgetting
// Retention overwrites the wrapped key in place (with a mark of its own, so that zeros of a broken disk are not taken for it), then
// removes file and key. It needs a whole day of looks by a clock that is not known to be wrong, and keeps the newest period: a
// clock that jumps must not destroy keys. A flash disk or a copying file system may keep the old
// block: it is still wrapped by the master key, so changing the master key afterwards makes it worthless. Erasure of a person
// deletes rows and hashes (secure_delete), cuts the log, writes the file anew (VACUUM) and notes a keyed hash, with which a
// restored backup is swept and late records are dropped. Old blocks of the *disk* hold only ciphertext of a key that still
// exists; who must exclude them chooses short periods, whose keys go soon.
//
// A number is erased in every spelling in which providers deliver it, beside its international one; each has an entry in the list.
// The web process runs with an allocator that overwrites what is freed, and overwrites the stacks of its threads after an erasure;
// the core, which cannot open records, still has SIP messages and events of recent calls in its memory until it restarts.
//
// ## Kept from the beginning
// With `far_numbers` the core leaves out number and name (or all but two digits and the country) before it seals a record. It
// needs the number for the call itself; nothing of it is written.
//
// ## Not protected
// Times and sizes of calls against who watches the network or the provider; equality of parties within a period (see above);
// what a user exported; that a ledger exists. X25519 does not withstand a future quantum computer: who has copied the spool then
// reads what passed through it, not the ledger (AES-256).
//
// ## Durability
// SQLite in WAL mode with synchronous FULL. Filing is idempotent by (identifier, kind, revision): the core deletes only what
// was acknowledged, and what is acknowledged has been committed; a part that cannot be used keeps its own records waiting in the
// core, and nothing else. One owner opens each database; a lock beside the ledger sees to
// it that there is one web process.
//
// A call never waits for its record. It is told at the dial, the answer and the end, and is durable milliseconds later; a core that
// is killed within them loses that telling, and the one before says what was known. What the disk refuses, and what comes before
// the web process has ever made a key, waits in memory (``CallLogger``), bounded, and the watchdog and `sipcall status` say so.

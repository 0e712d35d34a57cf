// Backup: the whole box in one file that standard tools open, proven by unpacking it before it counts.
//
// In the room: packing and unpacking with tar, zstd and age as child processes, the manifest and its comparison, which backups
// are kept, the hooks, and the change of directories when one is restored. A room of its own beside Ledger, because it
// starts programs and handles files of the whole box, which the ledger's room never does.
// Never in the room: a database in use. Its owner copies it (LedgerStore.snapshot) and hands the copy over.
//
//  web process                      sipcall backup (root), in /var/lib/sipcall/.backup               /var/backups/sipcall
//  ───────────                      ──────────────────────────────────────────────────               ────────────────────
//  notes it in the audit log,       takes handover/ away from the web process,
//  empties the core's spool into    copies settings, credentials, the core's files
//  the ledger, copies ledger  ────▶ tar ─▶ zstd ─▶ age -r RECOVERY -r ONCE ─────────────────────▶ sipcall-….new
//  and users into handover/         age -d -i ONCE ─▶ zstd -d ─▶ tar -x ─▶ compare all, check    ─▶ sipcall-….tar.zst.age
//                                   retention, hooks                                                + .json, erasures
//
// What lies in the clear lies there alone (0700, root's) and is gone at the end, when it is stopped, or with the next one.
//
// # What is in the file
//     manifest.json         version, time, host, size and SHA-256 of every file, rows of every database, head of the audit log
//     master.key.age        the ledger's master keyring, encrypted once more to the same two keys
//     settings/             /etc/sipcall
//     credentials/          /etc/credstore/sipcall.*, the providers' passwords (not the master key: see above)
//     core/                 the core's name and keys; no spool, since it was emptied into the ledger
//     web/                  users, sessions, certificate (web/tls), web/ledger with its wrapped keys
//
// # Keys
// The file is encrypted to the owner's recovery key, of which the box has the public half only, and to a key that is made for
// this one backup, proves it, and is forgotten when the program ends. A verification key that stayed on the box, as first
// planned, would open every backup for the thief of a disk whose master key is in a TPM; this one never lies anywhere.
//
// The master key has to travel, or the recovery key would restore a ledger that nobody can read. It does so inside the file
// and in an envelope of its own, so that unpacking, be it the proof, a restore or a curious owner, never puts it on a disk in the
// clear. It goes from the web process's memory over its socket to this program, and through a pipe to age.
//
// age does not tell who made a file. Whoever has the public half can make one that restores: a restore is as trustworthy as
// the place the file was kept in, and asks before it changes anything.
//
// # What was erased
// The list of it (keyed hashes) lies beside the backups, is added to by each and never shortened; a restore takes all lists that
// it finds and that belong to the ledger, and erases what any of them has. What was erased since the last backup is on the box's
// disk alone: therefore each erasure starts a backup (sipcall-backup.path), whose hooks carry the list elsewhere. For the minutes
// that takes, and for as long as the hooks fail, a loss of the disk loses those erasures, and a restore then brings back what was
// erased. The list alone does not travel, because it can only be put together and proven with a key that the web process has.
//
// # Restoring
// Everything is unpacked, compared, opened and swept of what was erased *beside* the directories in use. Only then are they
// exchanged, one rename after the other, as a note that was written before says; see ``DirectorySwap``. The replaced
// directories stay under another name until the owner removes them, or the package is purged; and a box in use is backed up first.
// A manifest is a stranger's word: nothing in it is used for a path, a sum or a terminal before it was looked at.

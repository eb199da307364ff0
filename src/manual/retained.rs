//! What another law keeps (분리 보관), and how it goes to the archive (기록관).
//!
//! **Where.** `DATA/retained`: a journal and index of its own, under server keys of its own; content
//! under keys that only retention custodians have (분리보관 담당자). `bongham init` makes it. A store
//! whose separate store is missing does not open: put the directory back. `bongham fsck` and
//! `rebuild-index` cover both, and `fsck` finds a separate store that was set back to an older state:
//! items that the ledger tells of, that are not destroyed and not there.
//!
//! **Backup.** It is no part of the live store's backup set. It needs a copy of its own, kept where only
//! custodians reach it, and the keyring's rules hold for it too: a copy opens nothing without the
//! keyring, and nothing that was destroyed.
//!
//! **Before the first item.** Give two people the role `retention_custodian`, each with a second person,
//! and have them enrol. An item is sealed to every custodian of that moment. One who comes later, or
//! whose key was reset, is given the earlier items by `bongham retained share`, which a custodian who
//! has them calls. If the last key goes, nobody opens the items any more.
//!
//! **Drawing.** Who handles a case draws from it (`bongham retained draw`): parts, law, article, kinds of
//! data, end date; none of these may be missing, and the words go into the ledger, which is kept for
//! ever, so that they name no person. The copy is written, read back, opened and compared before the
//! ledger tells of it; the original is destroyed later, by an order that names the item and waits for
//! it. A crash leaves both, or the original alone. Drawing the same again gives the same item.
//!
//! **Opening.** `bongham retained open` asks for a second person; a privacy officer approves within half an
//! hour; the same command with `--approval` and the same reason shows it. Each step is an entry of the
//! access log, durable before anything is shown. Lists, search and statistics of the work never see it.
//!
//! **End.** A daily look marks what has come to its end: `bongham retained list --due`. A custodian asks
//! (`retained end`), a privacy officer, who sees item, law and reason, approves, and after the cancel window the order destroys the
//! keys, then the rows, then the bytes. Nothing ends by itself. Where the rule of its class demanded the
//! records appraisal when the item was drawn, `--decision` names the decision (폐기), which the ledger
//! keeps. Until its time a custodian calls it off (`retained cancel-end`).
//!
//! **Longer** (보류, 재책정). `retained hold` keeps an item from being destroyed, whatever was ordered; one
//! custodian sets a hold; another one lifts it, with a privacy officer's consent to exactly the holds that
//! stand, of which they see who set them and when. Nobody who set one has a part in lifting it. `retained term` gives an item a later end, with a
//! second person; it stands in the ledger with the decision of the appraisal. While a destruction is
//! ordered there is no new end: call it off first.
//!
//! # Hand-over (공공기록물법 시행령 제31조의2, 제43조)
//! 1. The archive makes a key pair: `bongham retained key-pair --out archive.key`, keeps the file and gives
//!    the public key that is printed. Both sides compare it by another way. So does the approver, who sees
//!    its fingerprint.
//! 2. A custodian: `bongham retained hand-over ID … --archive PUBLIC --reason TEXT`, which asks for a second
//!    person; after approval the same with `--approval ID --out items.jsonl`.
//! 3. The archive: `bongham retained unseal items.jsonl --key archive.key`. Needs no store and no server.
//!
//! The file is JSON lines: a head; one line an item with law, article, kinds, dates, key and parts; a last
//! line with the SHA-256 of all lines before it. It holds the list of what is encrypted in clear and all
//! that decrypting needs but the private key, so that another program can open it as well:
//!
//! ```text
//! item key   = HPKE-Open(archive private key, enc 32 ‖ ct 32 ‖ tag 16,
//!              info = "bongham/archive/1" ‖ 01 ‖ item 16, aad empty)          RFC 9180, base mode,
//!              DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM
//! part n     = 01 ‖ 01 ‖ salt 16 ‖ ct ‖ tag 16
//! aad        = "bongham/row/1" ‖ 01 01 12 ‖ salt ‖ item 16 ‖ n as u32, big-endian
//! plaintext  = AES-256-GCM-Open(HKDF-Expand(item key, aad, 32), nonce = 0, aad, ct ‖ tag)     JSON, UTF-8
//! item       = the 16 bytes of the id, which stands in lower-case base32 without padding
//! ```
//! The hand-over is in the ledger with the items and the fingerprint of the archive's key. The items stay
//! in the office until their end: what the archive has, the office cannot destroy.

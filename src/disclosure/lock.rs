//! What a file that leaves is locked with: the age format (age-encryption.org/v1), which tools
//! outside of this program open. No file leaves in clear.
//!
//! A named receiver gives the public half of a key of their own (`age1…`, X25519). Where nobody has
//! one, a passphrase is drawn here and shown once; it is stored nowhere.

use std::io::{self, Write};

use age::secrecy::SecretString;
use age::stream::StreamWriter;
use age::{Encryptor, Recipient};
use data_encoding::{BASE32_NOPAD, Specification};
use zeroize::Zeroizing;

use crate::crypto::wrap::PublicKey;
use crate::domain::random::{Random, RandomError};
use crate::domain::secret::SecretText;

/// Random bytes of a passphrase.
const PASSPHRASE_BYTES: usize = 16;
/// Characters between two hyphens of a passphrase.
const GROUP: usize = 5;
/// log2 of scrypt's cost. A passphrase of 128 random bits needs no stretching: this takes 1 MiB, where
/// the usual cost of people's passphrases takes 256.
const SCRYPT_LOG_N: u8 = 10;
/// Letters of Bech32 (BIP 173), five bits each.
const BECH32: &str = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
/// What a public key begins with, and the letters of its checksum.
const PREFIX: &str = "age1";
const CHECKSUM: usize = 6;

/// A text that is no public key of age, or one that locks nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a public key of age: expected age1 and 58 letters and digits")]
pub struct BadKey;

/// The public half of a receiver's key.
pub struct ReceiverKey(age::x25519::Recipient);

impl std::str::FromStr for ReceiverKey {
    type Err = BadKey;
    fn from_str(text: &str) -> Result<Self, BadKey> {
        let key: age::x25519::Recipient = text.trim().parse().map_err(|_| BadKey)?;
        // `age` ends the thread that locks to a point of low order.
        let agrees = point(&key.to_string()).is_some_and(|point| point.agrees());
        agrees.then_some(Self(key)).ok_or(BadKey)
    }
}

/// The point of a key whose form and checksum `age` has read.
fn point(key: &str) -> Option<PublicKey> {
    let letters = key.strip_prefix(PREFIX)?;
    let letters = letters.get(..letters.len().checked_sub(CHECKSUM)?)?;
    let mut bech32 = Specification::new();
    bech32.symbols.push_str(BECH32);
    let bytes = bech32.encoding().ok()?.decode(letters.as_bytes()).ok()?;
    bytes.try_into().ok().map(PublicKey::from_bytes)
}

#[cfg(test)]
impl ReceiverKey {
    /// A key that `age` reads, whatever it is good for: for the tests of what a panic leaves.
    pub(crate) fn unchecked(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

/// What opens a file.
pub enum Lock {
    /// The receiver's own key.
    Key(ReceiverKey),
    /// A passphrase that was drawn for this file.
    Passphrase(SecretText),
}

/// A fresh passphrase: 26 letters and digits in groups, 128 bits.
///
/// # Errors
/// [`RandomError`] where there is no randomness.
pub fn passphrase(random: &dyn Random) -> Result<SecretText, RandomError> {
    let bytes: Zeroizing<[u8; PASSPHRASE_BYTES]> = Zeroizing::new(random.array()?);
    let letters = Zeroizing::new(BASE32_NOPAD.encode(bytes.as_slice()).to_ascii_lowercase());
    let mut grouped = Zeroizing::new(String::with_capacity(2 * letters.len()));
    for (at, letter) in letters.chars().enumerate() {
        if at > 0 && at % GROUP == 0 {
            grouped.push('-');
        }
        grouped.push(letter);
    }
    Ok(SecretText::new(grouped.to_string()))
}

impl Lock {
    /// A writer whose bytes come out locked in `to`. It must be finished: a file without its end
    /// does not open.
    ///
    /// # Errors
    /// What `to` says, or that the lock takes nothing.
    pub fn on<W: Write>(&self, to: W) -> io::Result<StreamWriter<W>> {
        let encryptor = match self {
            Self::Key(ReceiverKey(key)) => with(key),
            Self::Passphrase(passphrase) => {
                let passphrase = SecretString::from(passphrase.expose().to_owned());
                let mut recipient = age::scrypt::Recipient::new(passphrase);
                recipient.set_work_factor(SCRYPT_LOG_N);
                with(&recipient)
            }
        };
        encryptor?.wrap_output(to)
    }
}

fn with(recipient: &dyn Recipient) -> io::Result<Encryptor> {
    Encryptor::with_recipients(std::iter::once(recipient)).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::process::{Command, Stdio};

    use super::*;
    use crate::domain::random::SystemSource;

    const CANARY: &[u8] = b"locked-canary";

    fn locked(lock: &Lock) -> Vec<u8> {
        let mut out = lock.on(Vec::new()).unwrap();
        out.write_all(CANARY).unwrap();
        out.finish().unwrap()
    }

    fn opened(file: &[u8], identity: &dyn age::Identity) -> Option<Vec<u8>> {
        let mut plain = Vec::new();
        let file = age::Decryptor::new(file).ok()?;
        let mut reader = file.decrypt(std::iter::once(identity)).ok()?;
        reader.read_to_end(&mut plain).ok()?;
        Some(plain)
    }

    #[test]
    fn a_file_opens_with_its_key_and_with_no_other() {
        let [mine, other] = [(); 2].map(|()| age::x25519::Identity::generate());
        let lock = Lock::Key(mine.to_public().to_string().parse().unwrap());
        let file = locked(&lock);
        assert_eq!(opened(&file, &mine).as_deref(), Some(CANARY));
        assert_eq!(opened(&file, &other), None);
        assert!(!file.windows(CANARY.len()).any(|part| part == CANARY));
        assert_eq!(opened(&file[..file.len() - 1], &mine), None, "cut short");
    }

    #[test]
    fn a_passphrase_is_new_each_time_and_opens_its_file() {
        let random = SystemSource::default();
        let [mine, other] = [(); 2].map(|()| passphrase(&random).unwrap());
        assert_ne!(mine.expose(), other.expose());
        assert_eq!(mine.expose().len(), 26 + 5);
        let identity = |text: &SecretText| {
            age::scrypt::Identity::new(SecretString::from(text.expose().to_owned()))
        };
        let (right, wrong) = (identity(&mine), identity(&other));
        let file = locked(&Lock::Passphrase(mine));
        assert_eq!(opened(&file, &right).as_deref(), Some(CANARY));
        assert_eq!(opened(&file, &wrong), None);
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let key = age::x25519::Identity::generate().to_public().to_string();
        assert!(key.parse::<ReceiverKey>().is_ok());
        let mut typo = key.clone();
        typo.replace_range(10..11, if &key[10..11] == "q" { "p" } else { "q" });
        for bad in ["", "age1", "AGE-SECRET-KEY-1", &typo, "홍길동", &key[..20]] {
            assert!(bad.parse::<ReceiverKey>().is_err(), "{bad}");
        }
    }

    fn bech32(point: &[u8; 32]) -> String {
        // An independent encoder: the checksum of BIP 173 over `age`.
        let mut data: Vec<u8> = Vec::new();
        let (mut bits, mut have) = (0_u32, 0);
        for byte in point {
            (bits, have) = (bits << 8 | u32::from(*byte), have + 8);
            while have >= 5 {
                have -= 5;
                data.push((bits >> have & 31) as u8);
            }
            bits &= (1 << have) - 1;
        }
        data.push((bits << (5 - have) & 31) as u8);
        let step = |sum: u32, value: u8| {
            let top = sum >> 25;
            let next = (sum & 0x01ff_ffff) << 5 ^ u32::from(value);
            [
                0x3b6a_57b2,
                0x2650_8e6d,
                0x1ea1_19fa,
                0x3d42_33dd,
                0x2a14_62b3,
            ]
            .iter()
            .enumerate()
            .fold(
                next,
                |sum, (n, add)| if top >> n & 1 == 1 { sum ^ add } else { sum },
            )
        };
        let prefix = b"age".map(|c| c >> 5).into_iter().chain([0]);
        let prefix = prefix.chain(b"age".map(|c| c & 31));
        let sum = prefix
            .chain(data.iter().copied())
            .chain([0; 6])
            .fold(1, step)
            ^ 1;
        data.extend((0..6).map(|n| (sum >> (25 - 5 * n) & 31) as u8));
        let letter = |value: &u8| char::from(BECH32.as_bytes()[usize::from(*value)]);
        format!("age1{}", data.iter().map(letter).collect::<String>())
    }

    /// Every u-coordinate of low order, as Curve25519's and its twist's points have them, also in
    /// the forms that are not reduced.
    #[test]
    fn a_key_of_low_order_is_refused_in_each_of_its_forms() {
        let mine = age::x25519::Identity::generate().to_public().to_string();
        let control = *point(&mine).unwrap().as_bytes();
        assert_eq!(bech32(&control), mine, "the encoder is that of the format");
        let zero = bech32(&[0; 32]);
        assert!(zero.ends_with("5cu47z"), "{zero}");
        let small = |n: u8| {
            let mut bytes = [0; 32];
            bytes[0] = n;
            bytes
        };
        let near = |last: u8| {
            let mut bytes = [0xff; 32];
            (bytes[0], bytes[31]) = (last, 0x7f);
            bytes
        };
        let hex = |text: &str| -> [u8; 32] {
            let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap();
            bytes.try_into().unwrap()
        };
        let eight = [
            "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
            "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        ];
        let mut points = vec![small(0), small(1), near(0xec), near(0xed), near(0xee)];
        points.extend(eight.map(hex));
        for mut point in points {
            for top in [0, 0x80] {
                point[31] |= top;
                let key = bech32(&point);
                assert!(ReceiverKey::unchecked(&key).is_some(), "{key}");
                assert_eq!(key.parse::<ReceiverKey>().err(), Some(BadKey), "{key}");
            }
        }
        assert!(mine.parse::<ReceiverKey>().is_ok(), "the control");
    }

    /// The files are those of the format, not of this program: Debian's `age` opens them.
    #[test]
    #[ignore = "needs Debian's age and expect-like `script` on the machine"]
    fn another_program_opens_both_kinds() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let run = |program: &mut Command| {
            let done = program.stderr(Stdio::inherit()).output().unwrap();
            assert!(done.status.success());
            done.stdout
        };
        run(Command::new("age-keygen").arg("-o").arg(path("key")));
        let public = run(Command::new("age-keygen").arg("-y").arg(path("key")));
        let public = String::from_utf8(public).unwrap();
        let file = locked(&Lock::Key(public.trim().parse().unwrap()));
        std::fs::write(path("by-key"), file).unwrap();
        let mut age = Command::new("age");
        age.arg("-d").arg("-i").arg(path("key")).arg(path("by-key"));
        assert_eq!(run(&mut age), CANARY);

        let passphrase = passphrase(&SystemSource::default()).unwrap();
        let typed = format!("{}\n", passphrase.expose());
        let file = locked(&Lock::Passphrase(passphrase));
        std::fs::write(path("by-passphrase"), file).unwrap();
        // It asks for a passphrase on a terminal and nowhere else.
        let line = format!(
            "age -d -o {} {}",
            path("plain").display(),
            path("by-passphrase").display()
        );
        let mut script = Command::new("script");
        script.args(["-qec", &line, "/dev/null"]);
        let mut script = script
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_secs(1));
        let mut keyboard = script.stdin.take().unwrap();
        keyboard.write_all(typed.as_bytes()).unwrap();
        assert!(script.wait().unwrap().success());
        drop(keyboard);
        assert_eq!(std::fs::read(path("plain")).unwrap(), CANARY);
    }
}

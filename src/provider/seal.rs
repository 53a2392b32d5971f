//! Seals: credentials at rest, as bytes that nobody reads without the key.
//!
//! Used by the extension for what `owo_provider_set` is given. Invariants: a seal opens only with the
//! key that made it and for the purpose it was made for; the caller gives a fresh random nonce each
//! time; nothing prints a key. Deliberately absent: randomness, files and rows.

use std::fmt;

use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;
/// Bytes of a nonce: long enough to be drawn at random for ever.
pub const NONCE_BYTES: usize = 24;
/// Most keys that a file may hold.
const KEYS_MAX: usize = 16;

/// A key that seals and opens.
#[derive(Clone)]
pub struct Key(Zeroizing<[u8; KEY_BYTES]>);

/// The keys of a file, newest first: the first seals, all of them open.
#[derive(Clone, Debug)]
pub struct KeyRing(Vec<Key>);

/// Why a text is no key ring; tells nothing of what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRingError {
    /// No line holds a key.
    Empty,
    /// More lines than anybody needs.
    TooMany,
    /// The line of that number is no key.
    Line(usize),
}

impl fmt::Display for KeyRingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it holds no key"),
            Self::TooMany => write!(f, "it holds more than {KEYS_MAX} keys"),
            Self::Line(line) => write!(f, "line {line} is not a key of 64 hexadecimal digits"),
        }
    }
}

impl std::error::Error for KeyRingError {}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.id())
    }
}

impl Key {
    /// A key of these bytes.
    #[must_use]
    pub fn new(bytes: [u8; KEY_BYTES]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Reads 64 hexadecimal digits.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let mut bytes = Zeroizing::new([0_u8; KEY_BYTES]);
        hex::decode_to_slice(text, bytes.as_mut_slice()).ok()?;
        Some(Self(bytes))
    }

    /// What stands in a key file.
    #[must_use]
    pub fn write(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(self.0.as_slice()))
    }

    /// A name that tells nothing of the key: the beginning of its digest.
    #[must_use]
    pub fn id(&self) -> String {
        crate::signature::digest(self.0.as_slice())
    }

    /// Seals `plain` for a purpose; the nonce goes in front.
    #[must_use]
    pub fn seal(&self, nonce: [u8; NONCE_BYTES], purpose: &[u8], plain: &[u8]) -> Option<Vec<u8>> {
        let cipher = XChaCha20Poly1305::new((&*self.0).into());
        // Encrypted in place, so that the copy of the plain bytes is overwritten.
        let mut sealed = Vec::with_capacity(plain.len().saturating_add(64));
        sealed.extend_from_slice(plain);
        cipher
            .encrypt_in_place(&XNonce::from(nonce), purpose, &mut sealed)
            .ok()?;
        sealed.splice(0..0, nonce);
        Some(sealed)
    }

    /// What was sealed with this key for this purpose; nothing when either differs, or a bit of it.
    #[must_use]
    pub fn open(&self, purpose: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, body) = sealed.split_first_chunk::<NONCE_BYTES>()?;
        let cipher = XChaCha20Poly1305::new((&*self.0).into());
        let mut plain = Zeroizing::new(body.to_vec());
        cipher
            .decrypt_in_place(&XNonce::from(*nonce), purpose, &mut *plain)
            .ok()?;
        Some(plain)
    }
}

impl KeyRing {
    /// Reads a key file: a key a line, newest first; blank lines and those that begin with `#` are
    /// passed over.
    ///
    /// # Errors
    /// When there is no key, too many, or a line that is none.
    pub fn read(text: &str) -> Result<Self, KeyRingError> {
        let mut keys = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let number = index.saturating_add(1);
            keys.push(Key::read(line).ok_or(KeyRingError::Line(number))?);
        }
        match keys.len() {
            0 => Err(KeyRingError::Empty),
            1..=KEYS_MAX => Ok(Self(keys)),
            _ => Err(KeyRingError::TooMany),
        }
    }

    /// The key that seals.
    #[must_use]
    pub fn newest(&self) -> Option<&Key> {
        self.0.first()
    }

    /// Ids of the keys that only open.
    #[must_use]
    pub fn older(&self) -> Vec<String> {
        let newest = self.newest().map(Key::id);
        let ids = self.0.iter().map(Key::id);
        ids.filter(|id| newest.as_ref() != Some(id)).collect()
    }

    /// The key of that id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Key> {
        self.0.iter().find(|key| key.id() == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONCE: [u8; NONCE_BYTES] = [7; NONCE_BYTES];

    fn key(byte: u8) -> Key {
        Key::new([byte; KEY_BYTES])
    }

    #[test]
    fn what_is_sealed_opens_again() {
        for plain in [b"".as_slice(), b"x", &[9; 10_000]] {
            let sealed = key(1).seal(NONCE, b"account", plain).unwrap();
            assert_eq!(sealed.len(), NONCE_BYTES + plain.len() + 16);
            assert_eq!(key(1).open(b"account", &sealed).unwrap().as_slice(), plain);
        }
    }

    #[test]
    fn a_seal_shows_nothing_of_what_it_holds() {
        let sealed = key(1).seal(NONCE, b"a", b"sk_live_hidden").unwrap();
        let shown = String::from_utf8_lossy(&sealed).into_owned();
        assert!(!shown.contains("sk_live") && !shown.contains("hidden"));
        let again = key(1).seal([8; NONCE_BYTES], b"a", b"sk_live_hidden");
        assert_ne!(again.unwrap()[NONCE_BYTES..], sealed[NONCE_BYTES..]);
    }

    #[test]
    fn another_key_purpose_or_bit_opens_nothing() {
        let sealed = key(1).seal(NONCE, b"a", b"sk_live_hidden").unwrap();
        assert!(key(2).open(b"a", &sealed).is_none());
        assert!(key(1).open(b"b", &sealed).is_none());
        assert!(key(1).open(b"", &sealed).is_none());
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert!(key(1).open(b"a", &changed).is_none(), "bit of byte {place}");
            assert!(
                key(1).open(b"a", &sealed[..place]).is_none(),
                "cut at {place}"
            );
        }
        let longer = [sealed.as_slice(), b"\0"].concat();
        assert!(key(1).open(b"a", &longer).is_none());
    }

    // The construction's published test vector (draft-irtf-cfrg-xchacha, appendix A.3.1).
    #[test]
    fn agrees_with_the_published_vector() {
        let key = Key::read("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f");
        let nonce = hex::decode("404142434445464748494a4b4c4d4e4f5051525354555657").unwrap();
        let purpose = hex::decode("50515253c0c1c2c3c4c5c6c7").unwrap();
        let plain = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip \
            for the future, sunscreen would be it.";
        let sealed = key
            .unwrap()
            .seal(nonce.try_into().unwrap(), &purpose, plain);
        let sealed = hex::encode(&sealed.unwrap()[NONCE_BYTES..]);
        assert!(sealed.starts_with("bd6d179d3e83d43b9576579493c0e939"));
        assert!(sealed.ends_with("c0875924c1c7987947deafd8780acf49"));
    }

    #[test]
    fn a_key_file_holds_several_keys() {
        let text = format!("# newest\n{}\n\n  {}\r\n", *key(2).write(), *key(1).write());
        let ring = KeyRing::read(&text).unwrap();
        assert_eq!(ring.newest().unwrap().id(), key(2).id());
        assert!(ring.find(&key(1).id()).is_some());
        assert_eq!(ring.older(), [key(1).id()]);
        assert!(ring.find(&key(3).id()).is_none());
        assert_eq!(key(1).id().len(), 16);
        assert!(!format!("{ring:?}").contains(key(1).write().as_str()));
    }

    #[test]
    fn a_bad_key_file_is_refused_without_being_shown() {
        let good = key(1).write();
        for (text, error) in [
            (String::new(), KeyRingError::Empty),
            ("# none\n".to_owned(), KeyRingError::Empty),
            (format!("{}\nhidden", *good), KeyRingError::Line(2)),
            (good[1..].to_owned(), KeyRingError::Line(1)),
            (format!("{}0", *good), KeyRingError::Line(1)),
            (format!("{}\n", *good).repeat(17), KeyRingError::TooMany),
        ] {
            let found = KeyRing::read(&text).unwrap_err();
            assert_eq!(found, error);
            assert!(!found.to_string().contains("hidden"));
        }
    }
}

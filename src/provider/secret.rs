//! Secrets: texts that may be used and never shown.
//!
//! Held by accounts, by headers and by the progress of an operation. Invariant: nothing prints or
//! serialises one, and its memory is wiped when it goes. Deliberately absent: comparison; who
//! compares a secret does so in constant time in `signature`.

use std::fmt;

use zeroize::Zeroizing;

/// A key or token.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself, to sign or to send with; never to store or to show.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_nothing() {
        let secret = Secret::new("sk_test_hidden");
        assert_eq!(format!("{secret:?} {secret:#?}"), "Secret(..) Secret(..)");
        assert_eq!(secret.expose(), "sk_test_hidden");
    }
}

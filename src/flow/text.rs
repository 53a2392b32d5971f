//! Bounds of texts and documents that come from outside (`api.md` 1).

use crate::error::{Error, Result};
use serde_json::Value;

/// Longest key, slug or entity, in characters.
pub const KEY_LENGTH: usize = 255;
/// Longest e-mail address, in characters (RFC 5321: 64 + 1 + 255).
pub const EMAIL_LENGTH: usize = 320;
/// Longest name, in characters.
pub const NAME_LENGTH: usize = 1_000;
/// Largest metadata document, in bytes of its text.
pub const METADATA_BYTES: usize = 16 * 1_024;

/// A text of 1 to `length` characters.
///
/// # Errors
/// `22023` naming the argument and the bound.
pub fn bounded<'a>(argument: &str, text: &'a str, length: usize) -> Result<&'a str> {
    let characters = text.chars().count();
    if characters == 0 {
        return Err(Error::invalid(format!("{argument} must not be empty")));
    }
    if characters > length {
        return Err(Error::invalid(format!(
            "{argument} has {characters} characters, at most {length} are allowed"
        )));
    }
    Ok(text)
}

/// A text that must be given, of 1 to 255 characters.
///
/// # Errors
/// `22004` when NULL, `22023` when out of bounds.
pub fn required<'a>(argument: &str, text: Option<&'a str>) -> Result<&'a str> {
    bounded(
        argument,
        text.ok_or_else(|| Error::null_argument(argument))?,
        KEY_LENGTH,
    )
}

/// A metadata document: an object of at most 16 kB.
///
/// # Errors
/// `22023` when it is something else or too large.
pub fn metadata(value: Option<Value>) -> Result<Option<Value>> {
    let Some(value) = value else { return Ok(None) };
    if value.is_null() {
        return Ok(None);
    }
    if !value.is_object() {
        return Err(Error::invalid("metadata must be a JSON object"));
    }
    json_size("metadata", &value)?;
    Ok(Some(value))
}

/// Bounds any document to 16 kB.
///
/// # Errors
/// `22023` when it is larger.
pub fn json_size(argument: &str, value: &Value) -> Result<()> {
    let bytes = value.to_string().len();
    if bytes > METADATA_BYTES {
        return Err(Error::invalid(format!(
            "{argument} has {bytes} bytes, at most {METADATA_BYTES} are allowed"
        )));
    }
    Ok(())
}

/// A text from outside as far as a column can hold it: without NUL, and no longer than that.
pub fn storable(text: &str, length: usize) -> String {
    text.chars()
        .filter(|character| *character != '\0')
        .take(length)
        .collect()
}

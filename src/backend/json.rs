//! JSON arguments of API functions.
//!
//! pgrx's own `JsonB` panics, hence raises `XX000`, on a document that is nested deeper than its
//! parser goes; here that is a bad value like any other.

use super::argument::argument;
use crate::backend::numeric;
use crate::error::{Error, Result};
use owostack_domain::quantity::Quantity;
use pgrx::direct_function_call;
use pgrx::pg_sys;
use serde_json::Value;
use std::ffi::CStr;

/// A `jsonb` argument, read when its value is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Json(pg_sys::Datum);

/// One value of an object.
pub enum Item<'a> {
    Null,
    Text(&'a str),
    Number(Quantity),
    /// An array or object.
    Document(Json),
}

impl Json {
    /// The document.
    ///
    /// # Errors
    /// `22023` when it is nested too deeply.
    pub fn value(self) -> Result<Value> {
        // SAFETY: the datum is a jsonb; its text lives in the memory context of the call.
        let text = unsafe { direct_function_call::<&CStr>(pg_sys::jsonb_out, &[Some(self.0)]) };
        let bytes = text.map_or(b"null".as_slice(), CStr::to_bytes);
        serde_json::from_slice(bytes).map_err(|error| {
            Error::invalid("JSON is nested too deeply").detail(format!("{error}."))
        })
    }

    /// Reads an array of objects in one walk: `put` is told of each value, `begin` makes what it is
    /// put into. None where the document is something else, holds what is no [`Item`], or `put` says
    /// so: then [`Json::value`] says what it is.
    pub fn objects<T>(
        self,
        begin: impl Fn() -> T,
        put: impl Fn(&mut T, &str, Item) -> Option<()>,
    ) -> Option<Vec<T>> {
        use pg_sys::JsonbIteratorToken as Token;
        // SAFETY: the datum is a jsonb; what the iterator gives lives as long as the document.
        unsafe {
            let document = pg_sys::pg_detoast_datum(self.0.cast_mut_ptr()).cast::<pg_sys::Jsonb>();
            let mut iterator = pg_sys::JsonbIteratorInit(&raw mut (*document).root);
            let mut value = std::mem::zeroed::<pg_sys::JsonbValue>();
            let mut next = |value: &mut pg_sys::JsonbValue, skip| {
                pg_sys::JsonbIteratorNext(&raw mut iterator, value, skip)
            };
            if next(&mut value, false) != Token::WJB_BEGIN_ARRAY || value.val.array.rawScalar {
                return None;
            }
            let mut found = Vec::with_capacity(usize::try_from(value.val.array.nElems).ok()?);
            loop {
                match next(&mut value, false) {
                    Token::WJB_END_ARRAY => return Some(found),
                    Token::WJB_BEGIN_OBJECT => {}
                    _ => return None,
                }
                let mut object = begin();
                while next(&mut value, true) == Token::WJB_KEY {
                    let key = text(&value)?;
                    if next(&mut value, true) != Token::WJB_VALUE {
                        return None;
                    }
                    put(&mut object, key, item(&mut value)?)?;
                }
                found.push(object);
            }
        }
    }
}

/// # Safety
/// The value must be a string of a document that lives for `'a`.
unsafe fn text<'a>(value: &pg_sys::JsonbValue) -> Option<&'a str> {
    // SAFETY: promised by the caller.
    unsafe {
        let length = usize::try_from(value.val.string.len).ok()?;
        if length == 0 {
            return Some("");
        }
        let bytes = std::slice::from_raw_parts(value.val.string.val.cast::<u8>(), length);
        std::str::from_utf8(bytes).ok()
    }
}

/// # Safety
/// The value must be one that the iterator gave, of a document that lives for `'a`.
unsafe fn item<'a>(value: &mut pg_sys::JsonbValue) -> Option<Item<'a>> {
    use pg_sys::jbvType as Type;
    // SAFETY: promised by the caller; the type says which field holds.
    unsafe {
        Some(match value.type_ {
            Type::jbvNull => Item::Null,
            Type::jbvString => Item::Text(text(value)?),
            Type::jbvNumeric => {
                Item::Number(numeric::read(pg_sys::Datum::from(value.val.numeric))?)
            }
            Type::jbvBinary => {
                Item::Document(Json(pg_sys::Datum::from(pg_sys::JsonbValueToJsonb(value))))
            }
            _ => return None,
        })
    }
}

argument!(Json, "jsonb");

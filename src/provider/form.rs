//! Forms: Stripe's nested form encoding, and query strings.
//!
//! Invariant: a null is left out, since an empty value would tell the provider to clear a field.

use form_urlencoded::Serializer;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::outcome::Refusal;

/// What a path segment may hold as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// Longest id in a path.
const SEGMENT_LENGTH_MAX: usize = 255;

/// The fields of an object as `a[b][0]=c`.
pub(crate) fn encode(fields: &Value) -> String {
    let mut out = Serializer::new(String::new());
    if let Value::Object(fields) = fields {
        for (name, value) in fields {
            append(&mut out, name.clone(), value);
        }
    }
    out.finish()
}

fn append(out: &mut Serializer<'_, String>, name: String, value: &Value) {
    match value {
        Value::Null => {}
        Value::Bool(flag) => {
            out.append_pair(&name, if *flag { "true" } else { "false" });
        }
        Value::Number(number) => {
            out.append_pair(&name, &number.to_string());
        }
        Value::String(text) => {
            out.append_pair(&name, text);
        }
        Value::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                append(out, format!("{name}[{place}]"), item);
            }
        }
        Value::Object(fields) => {
            for (field, value) in fields {
                append(out, format!("{name}[{field}]"), value);
            }
        }
    }
}

/// A path whose `{}` are filled with ids.
///
/// # Errors
/// When an id is empty, too long, or would lead to another path.
pub(crate) fn path(template: &str, ids: &[&str]) -> Result<String, Refusal> {
    let mut pieces = template.split("{}");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for (piece, id) in pieces.zip(ids) {
        if id.is_empty() || id.len() > SEGMENT_LENGTH_MAX || id.bytes().all(|byte| byte == b'.') {
            return Err(Refusal::invalid("an id of the provider is malformed"));
        }
        out.extend(utf8_percent_encode(id, SEGMENT));
        out.push_str(piece);
    }
    Ok(out)
}

/// A path with a query string.
pub(crate) fn with_query(path: &str, fields: &Value) -> String {
    let query = encode(fields);
    if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nests_with_brackets_and_leaves_nulls_out() {
        let form = encode(&json!({
            "items": [{"price": "p&1", "quantity": 2}],
            "metadata": {"owo_plan": "pro plan"},
            "off": true, "none": null, "empty": ""
        }));
        let decoded: Vec<(String, String)> = form_urlencoded::parse(form.as_bytes())
            .into_owned()
            .collect();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(decoded.len(), 5);
        for expected in [
            pair("items[0][price]", "p&1"),
            pair("items[0][quantity]", "2"),
            pair("metadata[owo_plan]", "pro plan"),
            pair("off", "true"),
            pair("empty", ""),
        ] {
            assert!(decoded.contains(&expected), "{expected:?}");
        }
        assert_eq!(encode(&json!(null)), "");
    }

    #[test]
    fn ids_never_leave_their_segment() {
        assert_eq!(
            path("/v1/a/{}/b/{}", &["x/../y?", "ü"]).unwrap(),
            "/v1/a/x%2F..%2Fy%3F/b/%C3%BC"
        );
        for id in ["", ".", "..", &"x".repeat(256)] {
            assert!(path("/v1/{}", &[id]).is_err(), "{id}");
        }
        assert_eq!(with_query("/a", &json!({})), "/a");
        assert_eq!(with_query("/a", &json!({"b": 1})), "/a?b=1");
    }
}

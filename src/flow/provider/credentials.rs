//! Credentials as they are given: a document to seal, or the name of a file on the server.
//!
//! Called by `flow/provider/account` alone. Invariants: what is wrong is told by field, never by
//! value; only superusers name files.

use crate::backend::owner;
use crate::backend::secret_file;
use crate::error::{Error, Result};
use crate::flow::context::Context;
use crate::flow::text;
use owostack_provider::Provider;
use owostack_provider::account::{Account, Environment};
use serde_json::Value;
use std::path::Path;
use zeroize::Zeroizing;

/// Largest credentials document, in bytes of its text.
const CREDENTIALS_BYTES: usize = 16 * 1_024;
/// Longest path of a file, in characters.
const PATH_LENGTH: usize = 4_096;

/// Credentials that can be used.
pub struct Given<'a> {
    pub account: Account,
    /// The file that they lie in.
    pub file: Option<&'a str>,
    /// What is to be sealed, when they lie in no file.
    pub document: Option<Zeroizing<String>>,
}

/// Reads and checks what `owo_provider_set` is given.
///
/// # Errors
/// `22023` when it cannot be used, `42501` a file named by who is no superuser, `55000` when the
/// file cannot be used.
pub fn given<'a>(
    context: &Context,
    provider: &dyn Provider,
    given: &'a Value,
    environment: Environment,
) -> Result<Given<'a>> {
    if let Some(file) = given.get("file") {
        let path = path(context, given, file)?;
        return Ok(Given {
            account: from_file(provider, path, environment)?,
            file: Some(path),
            document: None,
        });
    }
    let document = Zeroizing::new(given.to_string());
    if document.len() > CREDENTIALS_BYTES {
        return Err(Error::invalid("credentials have more than 16 kB"));
    }
    Ok(Given {
        account: checked(provider, given, environment).map_err(Error::invalid)?,
        file: None,
        document: Some(document),
    })
}

fn path<'a>(context: &Context, given: &Value, file: &'a Value) -> Result<&'a str> {
    if !owner::is_superuser(context.caller.role) {
        return Err(Error::denied(
            "permission denied: only superusers may name files of the server",
        ));
    }
    let alone = given.as_object().is_some_and(|fields| fields.len() == 1);
    let path = file.as_str().filter(|path| alone && path.starts_with('/'));
    let path = path.ok_or_else(|| {
        Error::invalid("credentials: file must be an absolute path, and stand alone")
    })?;
    text::bounded("file", path, PATH_LENGTH)
}

fn checked(
    provider: &dyn Provider,
    document: &Value,
    environment: Environment,
) -> std::result::Result<Account, String> {
    let account = Account::read(document, environment).map_err(|error| error.to_string())?;
    provider
        .check_account(&account)
        .map_err(|error| error.to_string())?;
    Ok(account)
}

/// The account whose credentials lie in a file.
///
/// # Errors
/// `55000` when the file is missing or cannot be used.
pub fn from_file(provider: &dyn Provider, path: &str, environment: Environment) -> Result<Account> {
    let text = secret_file::read(Path::new(path), "credentials file")?
        .ok_or_else(|| Error::wrong_state("the credentials file is missing"))?;
    let document: Value = serde_json::from_str(&text)
        .map_err(|_| Error::wrong_state("the credentials file does not hold JSON"))?;
    checked(provider, &document, environment).map_err(|error| {
        Error::wrong_state("the credentials file cannot be used").hint(format!("Mend it: {error}."))
    })
}

//! Every setting: name, unit, bounds, context.
//!
//! Invariant (protocol 22): nothing here that a session can set influences a limit.

use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting};
use std::ffi::CString;

static ORGANIZATION: GucSetting<Option<CString>> =
    GucSetting::<Option<CString>>::new(Some(c"default"));
static NOTIFY: GucSetting<bool> = GucSetting::<bool>::new(true);

/// Registers the settings; called from `_PG_init`.
pub fn init() {
    GucRegistry::define_string_guc(
        c"owostack.organization",
        c"Slug of the organization that owostack's functions act on.",
        c"Rights are checked by owo_grant_role, not by who may set this.",
        &ORGANIZATION,
        GucContext::Userset,
        GucFlags::default(),
    );
    GucRegistry::define_bool_guc(
        c"owostack.notify",
        c"Sends NOTIFY owostack for each row of owo.event.",
        c"Notifications serialise commits; tracks send one only on a crossing.",
        &NOTIFY,
        GucContext::Suset,
        GucFlags::default(),
    );
}

/// Slug of the organization that this session acts on.
pub fn organization() -> String {
    ORGANIZATION
        .get()
        .and_then(|slug| slug.into_string().ok())
        .filter(|slug| !slug.is_empty())
        .unwrap_or_else(|| "default".to_owned())
}

/// Whether events are sent with NOTIFY.
pub fn notify() -> bool {
    NOTIFY.get()
}

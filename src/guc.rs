//! Every setting: name, unit, bounds, context.
//!
//! Invariant (protocol 22): nothing here that a session can set influences a limit.

use crate::backend::preload;
use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting, PostgresGucEnum};
use std::ffi::{CStr, CString, c_char};
use std::time::Duration;

/// The organization that sessions act on when nothing is set.
const DEFAULT: &str = "default";

/// Which engine counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PostgresGucEnum)]
enum MeterEngine {
    #[name = c"auto"]
    Auto,
    #[name = c"table"]
    Table,
    #[name = c"shared"]
    Shared,
}

static ORGANIZATION: GucSetting<Option<CString>> =
    GucSetting::<Option<CString>>::new(Some(c"default"));
static WORKER: GucSetting<bool> = GucSetting::<bool>::new(true);
static WORKER_NAPTIME_MS: GucSetting<i32> = GucSetting::<i32>::new(1_000);
static WORKER_IDLE_S: GucSetting<i32> = GucSetting::<i32>::new(60);
static METER_ENGINE: GucSetting<MeterEngine> = GucSetting::<MeterEngine>::new(MeterEngine::Auto);
static METER_SLOTS: GucSetting<i32> = GucSetting::<i32>::new(65_536);
static ENTITLEMENT_SLOTS: GucSetting<i32> = GucSetting::<i32>::new(16_384);
static RECORD_MONTHS: GucSetting<i32> = GucSetting::<i32>::new(0);
static NOTIFY: GucSetting<bool> = GucSetting::<bool>::new(true);
static SECRET_KEY_FILE: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);

static OUTBOX: GucSetting<bool> = GucSetting::<bool>::new(true);
static OUTBOX_CONCURRENCY: GucSetting<i32> = GucSetting::<i32>::new(16);
static HTTP_TIMEOUT_MS: GucSetting<i32> = GucSetting::<i32>::new(30_000);
static HTTP_PROXY: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
static CA_FILE: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);

/// Registers the settings; called from `_PG_init`.
pub fn init() {
    init_outbox();
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
    GucRegistry::define_bool_guc(
        c"owostack.worker",
        c"Lets background workers fold usage and settle dates.",
        c"They exist only when the library is in shared_preload_libraries.",
        &WORKER,
        GucContext::Sighup,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"owostack.worker_naptime_ms",
        c"Milliseconds that recorded usage waits to be folded.",
        c"A longer time folds more rows at once.",
        &WORKER_NAPTIME_MS,
        10,
        60_000,
        GucContext::Sighup,
        GucFlags::UNIT_MS,
    );
    GucRegistry::define_int_guc(
        c"owostack.worker_idle_s",
        c"Seconds after which a worker with nothing to do leaves its database.",
        c"It comes back with the next usage or date.",
        &WORKER_IDLE_S,
        1,
        86_400,
        GucContext::Sighup,
        GucFlags::UNIT_S,
    );
    GucRegistry::define_int_guc(
        c"owostack.record_months",
        c"Whole months of the usage record to keep before the running one; 0 keeps all.",
        c"Older months are dropped. Sums, daily usage and balances stay.",
        &RECORD_MONTHS,
        0,
        1_200,
        GucContext::Suset,
        GucFlags::default(),
    );
    GucRegistry::define_string_guc(
        c"owostack.secret_key_file",
        c"File with the keys that seal credentials, newest first.",
        c"Unset, it is owostack.key in the data directory, made when it is first needed.",
        &SECRET_KEY_FILE,
        // A setting that only a server start can change can only be made at one.
        if preload::is_in_progress() {
            GucContext::Postmaster
        } else {
            GucContext::Sighup
        },
        GucFlags::SUPERUSER_ONLY,
    );
}

/// Registers the settings about calls to providers.
fn init_outbox() {
    GucRegistry::define_bool_guc(
        c"owostack.outbox",
        c"Lets this server call payment providers and apply their webhooks.",
        c"Switch it off in a copy of a server's files, which would charge the same customers.",
        &OUTBOX,
        GucContext::Sighup,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"owostack.outbox_concurrency",
        c"Calls to payment providers that one database has under way at a time.",
        c"Each has a thread of the worker; no transaction is open meanwhile.",
        &OUTBOX_CONCURRENCY,
        1,
        64,
        GucContext::Sighup,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"owostack.http_timeout",
        c"Milliseconds that one call to a payment provider may take.",
        c"What has not answered by then is looked for before it is repeated.",
        &HTTP_TIMEOUT_MS,
        100,
        100_000,
        GucContext::Sighup,
        GucFlags::UNIT_MS,
    );
    GucRegistry::define_string_guc(
        c"owostack.http_proxy",
        c"Proxy for calls to payment providers, such as http://proxy:3128.",
        c"Unset, the server's environment names it (HTTPS_PROXY, NO_PROXY).",
        &HTTP_PROXY,
        GucContext::Sighup,
        GucFlags::SUPERUSER_ONLY,
    );
    GucRegistry::define_string_guc(
        c"owostack.ca_file",
        c"PEM file with the certificates to trust instead of the system's.",
        c"For a proxy that opens TLS, and for tests.",
        &CA_FILE,
        GucContext::Sighup,
        GucFlags::SUPERUSER_ONLY,
    );
}

/// Registers the settings that size shared memory; only under `shared_preload_libraries`.
pub fn init_preloaded() {
    GucRegistry::define_enum_guc(
        c"owostack.meter_engine",
        c"Which engine counts: shared memory, or rows under locks.",
        c"auto is shared when the library is preloaded.",
        &METER_ENGINE,
        GucContext::Postmaster,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"owostack.meter_slots",
        c"Meters in their periods that shared memory holds at a time.",
        c"About 130 bytes each. What is not held is read from tables.",
        &METER_SLOTS,
        2_048,
        16_777_216,
        GucContext::Postmaster,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"owostack.entitlement_slots",
        c"Resolved entitlements that shared memory holds at a time.",
        c"1 kB each, one for a customer's feature. What is not held is resolved from tables.",
        &ENTITLEMENT_SLOTS,
        2_048,
        4_194_304,
        GucContext::Postmaster,
        GucFlags::default(),
    );
}

/// How many months of the record are kept before the running one; None: all.
pub fn record_months() -> Option<i32> {
    Some(RECORD_MONTHS.get()).filter(|months| *months > 0)
}

/// Whether usage is counted in shared memory; meaningful under preload.
pub fn is_shared_engine() -> bool {
    METER_ENGINE.get() != MeterEngine::Table
}

/// How many meter periods shared memory holds.
pub fn meter_slots() -> i32 {
    METER_SLOTS.get()
}

/// Whether this session acts on the organization of that slug; without an allocation.
pub fn is_organization(slug: &str) -> bool {
    let pointer = ORGANIZATION.as_ptr();
    // SAFETY: the variable is a GUC string of this process: NULL or NUL-terminated.
    let value = unsafe {
        let text = pointer.cast::<*const c_char>().read();
        if text.is_null() {
            None
        } else {
            Some(CStr::from_ptr(text).to_bytes())
        }
    };
    match value {
        None | Some(b"") => slug == DEFAULT,
        Some(text) => text == slug.as_bytes(),
    }
}

/// Slug of the organization that this session acts on.
pub fn organization() -> String {
    ORGANIZATION
        .get()
        .and_then(|slug| slug.into_string().ok())
        .filter(|slug| !slug.is_empty())
        .unwrap_or_else(|| DEFAULT.to_owned())
}

/// The file with the keys that seal credentials; None: the one in the data directory.
pub fn secret_key_file() -> Option<String> {
    SECRET_KEY_FILE
        .get()
        .and_then(|path| path.into_string().ok())
        .filter(|path| !path.is_empty())
}

/// How many resolved entitlements shared memory holds.
pub fn entitlement_slots() -> i32 {
    ENTITLEMENT_SLOTS.get()
}

/// Whether events are sent with NOTIFY.
pub fn notify() -> bool {
    NOTIFY.get()
}

/// Whether background workers do their work.
pub fn worker() -> bool {
    WORKER.get()
}

/// How long recorded usage waits to be folded.
pub fn worker_naptime_ms() -> i64 {
    WORKER_NAPTIME_MS.get().into()
}

/// After how much idleness a worker leaves.
pub fn worker_idle_s() -> i64 {
    WORKER_IDLE_S.get().into()
}

/// Whether providers are called and their webhooks applied.
pub fn outbox() -> bool {
    OUTBOX.get()
}

/// Calls under way at a time.
pub fn outbox_concurrency() -> usize {
    usize::try_from(OUTBOX_CONCURRENCY.get()).unwrap_or(1)
}

/// How long one call may take.
pub fn http_timeout() -> Duration {
    Duration::from_millis(u64::try_from(HTTP_TIMEOUT_MS.get()).unwrap_or_default())
}

/// The proxy for calls, where one is set.
pub fn http_proxy() -> Option<String> {
    text(&HTTP_PROXY)
}

/// The certificates to trust instead of the system's, where they are set.
pub fn ca_file() -> Option<String> {
    text(&CA_FILE)
}

fn text(setting: &GucSetting<Option<CString>>) -> Option<String> {
    let text = setting.get()?.into_string().ok()?;
    (!text.is_empty()).then_some(text)
}

//! Webhooks, headers and answers that nobody ever sent: samples with bytes and values changed at random, for as long as
//! `FUZZ_SECONDS` says. `FUZZ_SEED` repeats a run; a failure prints its seed.
//!
//! Whatever comes in: nothing panics, changed bytes are never believed, an event keeps its id, texts stay in proportion to
//! what came in, and nothing that is printed shows a secret.

#[allow(dead_code)]
#[path = "contract/flows.rs"]
mod flows;
#[allow(dead_code)]
#[path = "contract/harness.rs"]
mod harness;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use chrono::TimeDelta;
use hmac::{Hmac, KeyInit, Mac};
use owostack_provider::account::{Account, Environment};
use owostack_provider::answer::{Answer, Headers, Response};
use owostack_provider::call::Call;
use owostack_provider::outcome::Outcome;
use owostack_provider::progress::Progress;
use owostack_provider::webhook::Delivery;
use owostack_provider::{PROVIDERS, Provider};
use serde_json::{Map, Value, json};
use sha2::{Sha256, Sha512};

use flows::{Flow, JOB, answer, flows, play};
use harness::{NOW, now, samples};

const KEY: &str = "sk_test_hiddenkeyofthefuzzer0000000001";
const SECRET: &str = "whsec_aGlkZGVuc2VjcmV0b2Z0aGVmdXp6ZXI=";
/// The secret's bytes as the Standard Webhooks scheme has them.
const SECRET_BYTES: &[u8] = b"hiddensecretofthefuzzer";

/// Numbers that only the seed decides (splitmix64).
struct Dice {
    seed: u64,
    state: u64,
    round: u64,
}

impl Dice {
    fn new() -> Self {
        let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let drawn = u64::try_from(clock.as_micros() & 0xffff_ffff).unwrap();
        let seed = std::env::var("FUZZ_SEED").map_or(drawn, |seed| seed.parse().unwrap());
        println!("FUZZ_SEED={seed}");
        Self {
            seed,
            state: seed,
            round: 0,
        }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not zero.
    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }
}

impl Drop for Dice {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "failed with FUZZ_SEED={} in round {}",
                self.seed, self.round
            );
        }
    }
}

/// Runs `round` until the time is over, and at least a few times.
fn fuzz(mut round: impl FnMut(&mut Dice)) {
    let seconds = std::env::var("FUZZ_SECONDS").map_or(3, |seconds| seconds.parse().unwrap());
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut dice = Dice::new();
    while dice.round < 50 || Instant::now() < end {
        dice.round += 1;
        round(&mut dice);
    }
    println!("{} rounds", dice.round);
}

fn account() -> Account {
    let credentials = json!({"secret_key": KEY, "webhook_secret": SECRET});
    Account::read(&credentials, Environment::Test).unwrap()
}

/// The headers that a provider would send with a body.
fn signed(provider: &dyn Provider, body: &[u8]) -> Vec<(String, String)> {
    let sha256 = |key: &[u8], parts: &[&[u8]]| {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        parts.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes()
    };
    let at = NOW.to_string();
    match provider.code() {
        "stripe" => {
            let tag = hex::encode(sha256(SECRET.as_bytes(), &[at.as_bytes(), b".", body]));
            vec![("Stripe-Signature".to_owned(), format!("t={at},v1={tag}"))]
        }
        "paystack" => {
            let mut mac = Hmac::<Sha512>::new_from_slice(KEY.as_bytes()).unwrap();
            mac.update(body);
            let tag = hex::encode(mac.finalize().into_bytes());
            vec![("x-paystack-signature".to_owned(), tag)]
        }
        _ => {
            let tag = sha256(SECRET_BYTES, &[b"msg_1.", at.as_bytes(), b".", body]);
            let tag = base64::engine::general_purpose::STANDARD.encode(tag);
            vec![
                ("webhook-id".to_owned(), "msg_1".to_owned()),
                ("webhook-timestamp".to_owned(), at),
                ("webhook-signature".to_owned(), format!("v1,{tag}")),
            ]
        }
    }
}

/// Texts at the edges of what is read.
const TEXTS: [&str; 16] = [
    "",
    " ",
    "0",
    "-1",
    "9223372036854775808",
    "1e400",
    "null",
    "true",
    "\u{0}",
    "\u{feff}",
    "\u{1f4b3}",
    "2026-02-30T25:61:61Z",
    "9999-12-31T23:59:59Z",
    "-262144-01-01T00:00:00Z",
    "XXX",
    "../../etc/passwd?x=%00#\r\nX: y",
];
/// Fragments that begin or end something.
const FRAGMENTS: [&[u8]; 14] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"null",
    b"1e999",
    b"\0",
    b",,",
];

fn value(dice: &mut Dice, depth: usize) -> Value {
    match dice.below(if depth == 0 { 7 } else { 10 }) {
        0 => Value::Null,
        1 => Value::from(dice.below(2) == 0),
        2 => Value::from(dice.next().cast_signed()),
        3 => Value::from(*dice.pick(&[0_i64, -1, i64::MAX, i64::MIN, 1 << 53, 253_402_300_800])),
        4 => Value::from(*dice.pick(&[0.5_f64, -0.0, 1e308, 1e-308])),
        5 => Value::from(*dice.pick(&TEXTS)),
        6 => Value::from("x".repeat(dice.below(5_000))),
        7 => (0..dice.below(4)).map(|_| value(dice, depth - 1)).collect(),
        8 => {
            // Deeper than any parser goes.
            let levels = dice.below(300);
            (0..levels).fold(Value::Null, |inner, _| json!([inner]))
        }
        _ => {
            let names = [
                "id", "data", "object", "status", "customer", "metadata", "amount", "items",
                "event", "type",
            ];
            let fields = (0..dice.below(4))
                .map(|_| ((*dice.pick(&names)).to_owned(), value(dice, depth - 1)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
    }
}

/// All places of a value.
fn places(value: &Value, path: &str, found: &mut Vec<String>) {
    found.push(path.to_owned());
    let escaped = |name: &str| name.replace('~', "~0").replace('/', "~1");
    match value {
        Value::Object(fields) => fields
            .iter()
            .for_each(|(name, inner)| places(inner, &format!("{path}/{}", escaped(name)), found)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(number, inner)| places(inner, &format!("{path}/{number}"), found)),
        _ => {}
    }
}

/// The same text with values exchanged, gone or doubled.
fn restructured(dice: &mut Dice, body: &[u8]) -> Vec<u8> {
    let Ok(mut whole) = serde_json::from_slice::<Value>(body) else {
        return body.to_vec();
    };
    for _ in 0..=dice.below(4) {
        let mut found = Vec::new();
        places(&whole, "", &mut found);
        let other = match dice.below(4) {
            // A value from elsewhere in the same event: of a type that is used, in a place where it is not.
            0 => whole
                .pointer(dice.pick(&found).as_str())
                .cloned()
                .unwrap_or_default(),
            _ => value(dice, 3),
        };
        let place = dice.pick(&found).clone();
        if dice.below(5) == 0 {
            if let Some((parent, name)) = place.rsplit_once('/')
                && let Some(Value::Object(fields)) = whole.pointer_mut(parent)
            {
                fields.remove(name);
            }
        } else if let Some(target) = whole.pointer_mut(&place) {
            *target = other;
        }
    }
    whole.to_string().into_bytes()
}

/// The same bytes with some changed, gone, doubled or put in.
fn scrambled(dice: &mut Dice, bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=dice.below(4) {
        let at = dice.below(bytes.len() + 1);
        let end = (at + dice.below(40)).min(bytes.len());
        match dice.below(6) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let again = bytes[at..end].to_vec();
                drop(bytes.splice(at..at, again));
            }
            3 => drop(bytes.splice(at..at, dice.pick(&FRAGMENTS).to_vec())),
            4 => bytes.insert(at, dice.byte()),
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << dice.below(8);
                }
            }
        }
    }
    bytes
}

fn changed(dice: &mut Dice, body: &[u8]) -> Vec<u8> {
    match dice.below(3) {
        0 => scrambled(dice, body),
        1 => restructured(dice, body),
        _ => {
            let restructured = restructured(dice, body);
            scrambled(dice, &restructured)
        }
    }
}

/// Nothing that is printed or kept shows a secret, or is out of proportion to what came in.
fn is_modest(shown: &str, bytes: usize) {
    for secret in [KEY, SECRET, "aGlkZGVuc2VjcmV0", "hiddensecret"] {
        assert!(!shown.contains(secret), "a secret is shown");
    }
    let most = 20_000 + 40 * bytes;
    assert!(
        shown.len() <= most,
        "{} bytes became {}",
        bytes,
        shown.len()
    );
}

fn read_event(provider: &dyn Provider, headers: &Headers, body: &[u8]) {
    let delivery = |received_at| Delivery {
        headers,
        body,
        received_at,
    };
    is_modest(&format!("{:?}", delivery(now())), 0);
    let (first, again) = (
        provider.event(&delivery(now())),
        provider.event(&delivery(now() + TimeDelta::minutes(3))),
    );
    match (first, again) {
        (Ok(first), Ok(again)) => {
            assert_eq!(first.id, again.id, "the id depends on the delivery");
            assert!(!first.id.is_empty());
            is_modest(&serde_json::to_string(&first).unwrap(), body.len());
        }
        (Err(first), Err(again)) => {
            assert_eq!(first, again);
            assert!(first.message.len() < 500, "{}", first.message);
        }
        (first, again) => panic!("one delivery is read and another is not: {first:?} {again:?}"),
    }
}

#[test]
fn changed_webhooks_are_not_believed_and_do_no_harm() {
    let account = account();
    is_modest(&format!("{account:?}"), 0);
    fuzz(|dice| {
        let provider = *dice.pick(PROVIDERS);
        let samples = samples(provider);
        let (name, body) = dice.pick(&samples);
        let headers = Headers::new(signed(provider, body));
        let verify = |headers: &Headers, body: &[u8]| {
            let delivery = Delivery {
                headers,
                body,
                received_at: now(),
            };
            provider.verify(&delivery, &account).is_ok()
        };
        assert!(verify(&headers, body), "{name} is genuine");
        let other = changed(dice, body);
        assert_eq!(
            verify(&headers, &other),
            other == *body,
            "{name} was changed"
        );
        read_event(provider, &headers, &other);
        // Signed by the provider, and still not what we know.
        let signed = Headers::new(signed(provider, &other));
        assert!(verify(&signed, &other));
        read_event(provider, &signed, &other);
    });
}

#[test]
fn changed_headers_do_no_harm() {
    let account = account();
    fuzz(|dice| {
        let provider = *dice.pick(PROVIDERS);
        let samples = samples(provider);
        let (_, body) = dice.pick(&samples);
        let mut pairs = signed(provider, body);
        for (name, value) in &mut pairs {
            if dice.below(2) == 0 {
                *value = String::from_utf8_lossy(&scrambled(dice, value.as_bytes())).into_owned();
            }
            if dice.below(8) == 0 {
                *name = String::from_utf8_lossy(&scrambled(dice, name.as_bytes())).into_owned();
            }
        }
        if dice.below(4) == 0 {
            pairs.extend(pairs.clone());
        }
        let object: Map<String, Value> = pairs
            .iter()
            .map(|(name, text)| {
                (
                    name.clone(),
                    match dice.below(6) {
                        0 => value(dice, 2),
                        _ => Value::from(text.as_str()),
                    },
                )
            })
            .collect();
        for headers in [
            Headers::new(pairs),
            Headers::from_json(&Value::Object(object)),
            Headers::from_json(&value(dice, 3)),
        ] {
            let other = scrambled(dice, body);
            let delivery = Delivery {
                headers: &headers,
                body: &other,
                received_at: now(),
            };
            assert!(other == *body || provider.verify(&delivery, &account).is_err());
            read_event(provider, &headers, &other);
        }
    });
}

/// A flow and the steps that it comes through.
type Played = (Flow, Vec<Progress>);

#[test]
fn changed_answers_do_no_harm() {
    let account = account();
    let all: Vec<(&dyn Provider, Vec<Played>)> = PROVIDERS
        .iter()
        .map(|provider| {
            let of = |flow: Flow| {
                let steps = play(*provider, &flow)
                    .into_iter()
                    .map(|exchange| exchange.before)
                    .collect();
                (flow, steps)
            };
            (*provider, flows(*provider).into_iter().map(of).collect())
        })
        .collect();
    fuzz(|dice| {
        let (provider, flows) = dice.pick(&all);
        let (flow, steps) = dice.pick(flows);
        let step = dice.below(steps.len().max(1));
        let (Some(progress), Some(script)) = (steps.get(step), flow.steps.get(step)) else {
            return;
        };
        let Answer::Response(mut response) = answer(*provider, script, 0) else {
            return;
        };
        response.body = changed(dice, &response.body);
        if dice.below(4) == 0 {
            response.status = *dice.pick(&[
                0,
                100,
                200,
                204,
                302,
                400,
                401,
                402,
                404,
                409,
                422,
                429,
                500,
                503,
                999,
                u16::MAX,
            ]);
        }
        if dice.below(4) == 0 {
            response.headers = Headers::new([
                ("Retry-After", *dice.pick(&TEXTS)),
                ("Idempotent-Replayed", "true"),
            ]);
        }
        let bytes = response.body.len();
        let call = Call {
            account: &account,
            operation: &flow.operation,
            id: JOB,
            progress,
            at: now(),
        };
        take(*provider, &call, response, bytes);
    });
}

fn take(provider: &dyn Provider, call: &Call, response: Response, bytes: usize) {
    let outcome = provider.read(call, &Answer::Response(response));
    is_modest(&serde_json::to_string(&outcome).unwrap(), bytes);
    if let Outcome::Next(progress) | Outcome::Retry { progress, .. } = &outcome
        && let Ok(request) = provider.request(&Call { progress, ..*call })
    {
        is_modest(&format!("{request:?}"), bytes);
    }
}

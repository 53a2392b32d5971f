//! Lets a test in another language hold the provider crate's side of a conversation.
//!
//! Reads one JSON object per line and answers each with one. `begin` takes an operation, `request`
//! says what is to be sent, `answer` takes what came of it and says what that means, `webhook`
//! verifies and reads a delivery. Used by `tests/server/adapter.py`, which does the network.

use std::error::Error;
use std::io::{BufRead, Write, stdin, stdout};

use chrono::{DateTime, Utc};
use owostack_provider::account::{Account, Environment};
use owostack_provider::answer::{Answer, Headers, Response};
use owostack_provider::call::Call;
use owostack_provider::operation::Operation;
use owostack_provider::outcome::Outcome;
use owostack_provider::progress::Progress;
use owostack_provider::webhook::Delivery;
use owostack_provider::{Provider, find};
use serde_json::{Value, json};
use uuid::Uuid;

/// One operation under way.
struct Talk {
    provider: &'static dyn Provider,
    account: Account,
    operation: Operation,
    id: Uuid,
    progress: Progress,
    at: DateTime<Utc>,
}

type Reply = Result<Value, Box<dyn Error>>;

fn main() -> Result<(), Box<dyn Error>> {
    let mut talk = None;
    for line in stdin().lock().lines() {
        let told: Value = serde_json::from_str(&line?)?;
        let reply = match text(&told, "do")? {
            "begin" => {
                talk = Some(begin(&told)?);
                json!({})
            }
            "webhook" => webhook(&told)?,
            other => {
                let talk = talk.as_mut().ok_or("nothing has begun")?;
                talk.at = moment(&told)?;
                if other == "request" {
                    request(talk)
                } else {
                    answer(talk, &told)?
                }
            }
        };
        writeln!(stdout(), "{reply}")?;
    }
    Ok(())
}

fn text<'v>(told: &'v Value, name: &str) -> Result<&'v str, Box<dyn Error>> {
    told.get(name)
        .and_then(Value::as_str)
        .ok_or_else(|| format!("{name} is missing").into())
}

fn moment(told: &Value) -> Result<DateTime<Utc>, Box<dyn Error>> {
    Ok(text(told, "at")?.parse()?)
}

fn whose(told: &Value) -> Result<(&'static dyn Provider, Account), Box<dyn Error>> {
    let provider = find(text(told, "provider")?).ok_or("no such provider")?;
    let credentials = told.get("credentials").unwrap_or(&Value::Null);
    Ok((provider, Account::read(credentials, Environment::Test)?))
}

fn begin(told: &Value) -> Result<Talk, Box<dyn Error>> {
    let (provider, account) = whose(told)?;
    let at = moment(told)?;
    Ok(Talk {
        provider,
        account,
        operation: serde_json::from_value(told.get("operation").cloned().unwrap_or_default())?,
        id: text(told, "id")?.parse()?,
        progress: Progress::start(at),
        at,
    })
}

impl Talk {
    fn call(&self) -> Call<'_> {
        Call {
            account: &self.account,
            operation: &self.operation,
            id: self.id,
            progress: &self.progress,
            at: self.at,
        }
    }
}

fn request(talk: &Talk) -> Value {
    match talk.provider.request(&talk.call()) {
        Ok(request) => {
            let headers = request.headers.iter();
            json!({
                "method": request.method.as_str(),
                "url": request.url(),
                "headers": headers
                    .map(|(name, value)| (*name, value.expose()))
                    .collect::<std::collections::BTreeMap<_, _>>(),
                "body": String::from_utf8_lossy(&request.body),
            })
        }
        Err(refusal) => json!({"refusal": refusal}),
    }
}

fn answer(talk: &mut Talk, told: &Value) -> Reply {
    let why = |name: &str| told.get(name).and_then(Value::as_str).map(str::to_owned);
    let answer = if let Some(why) = why("lost") {
        Answer::Lost(why)
    } else if let Some(why) = why("not_sent") {
        Answer::NotSent(why)
    } else {
        let status = told.get("status").and_then(Value::as_u64);
        Answer::Response(Response {
            status: u16::try_from(status.ok_or("status is missing")?)?,
            headers: Headers::from_json(told.get("headers").unwrap_or(&Value::Null)),
            body: text(told, "body")?.as_bytes().to_vec(),
            received_at: talk.at,
        })
    };
    let outcome = talk.provider.read(&talk.call(), &answer);
    let shown = serde_json::to_value(&outcome)?;
    match outcome {
        Outcome::Next(progress)
        | Outcome::RateLimited { progress, .. }
        | Outcome::Retry { progress, .. } => talk.progress = progress,
        _ => {}
    }
    Ok(shown)
}

fn webhook(told: &Value) -> Reply {
    let (provider, account) = whose(told)?;
    let headers = Headers::from_json(told.get("headers").unwrap_or(&Value::Null));
    let delivery = Delivery {
        headers: &headers,
        body: text(told, "body")?.as_bytes(),
        received_at: moment(told)?,
    };
    Ok(json!({
        "genuine": provider.verify(&delivery, &account).is_ok(),
        "event": provider.event(&delivery).map_err(|error| error.to_string())?,
    }))
}

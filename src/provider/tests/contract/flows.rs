//! Operations as conversations: each request as accepted, each answer as read.
//!
//! `flows.json` scripts what the provider answers; the conversation is kept as text for people.

use std::fmt::Write as _;

use chrono::{DateTime, TimeDelta, Utc};
use owostack_provider::Provider;
use owostack_provider::answer::{Answer, Headers, Response};
use owostack_provider::call::Call;
use owostack_provider::operation::Operation;
use owostack_provider::outcome::{Outcome, Refusal};
use owostack_provider::progress::Progress;
use owostack_provider::request::Request;
use serde_json::{Value, json, to_value};
use uuid::Uuid;

use crate::harness::{account, compare, folder, now, providers, pruned, read_json};

/// The outbox row of every flow.
pub const JOB: Uuid = Uuid::from_u128(0x0192_3f00_0000_7000_8000_0000_0000_0042);

/// A secret that must show up nowhere but in a header.
pub const KEY: &str = "sk_test_HiddenKeyOfTheContractSuite000000";

/// One operation with what the provider answers.
pub struct Flow {
    pub name: String,
    pub operation: Operation,
    pub steps: Vec<Value>,
}

/// One request, its answer, and what became of it.
pub struct Exchange {
    pub before: Progress,
    pub at: DateTime<Utc>,
    pub request: Result<Request, Refusal>,
    pub outcome: Option<Outcome>,
}

/// The flows of a provider.
pub fn flows(provider: &dyn Provider) -> Vec<Flow> {
    let list = read_json(provider, "flows.json");
    let read = |flow: &Value| Flow {
        name: flow["name"].as_str().unwrap().to_owned(),
        operation: serde_json::from_value(flow["operation"].clone())
            .unwrap_or_else(|error| panic!("{}: {error}", flow["name"])),
        steps: flow["answers"].as_array().cloned().unwrap_or_default(),
    };
    list.as_array().unwrap().iter().map(read).collect()
}

/// The answer that a script describes.
pub fn answer(provider: &dyn Provider, script: &Value, hours: i64) -> Answer {
    if let Some(why) = script["lost"].as_str() {
        return Answer::Lost(why.to_owned());
    }
    if let Some(why) = script["not_sent"].as_str() {
        return Answer::NotSent(why.to_owned());
    }
    let body = match (script["raw"].as_str(), script["sample"].as_str()) {
        (Some(raw), _) => raw.as_bytes().to_vec(),
        (None, Some(name)) => {
            let path = folder(provider).join("events").join(format!("{name}.json"));
            let text = std::fs::read(&path).unwrap_or_else(|_| panic!("{}", path.display()));
            let sample: Value = serde_json::from_slice(&text).unwrap();
            let inner = ["/data/object", "/data"]
                .iter()
                .find_map(|path| sample.pointer(path))
                .unwrap();
            let mut value = inner.clone();
            for (field, with) in script["with"].as_object().into_iter().flatten() {
                value[field] = with.clone();
            }
            match script["inside"].as_str() {
                Some("list") => json!({"object": "list", "data": [value], "has_more": false}),
                Some("items") => json!({"items": [value], "pagination": {"max_page": 1}}),
                Some("envelope") => json!({"status": true, "message": "ok", "data": value}),
                Some("envelopes") => json!({"status": true, "message": "ok", "data": [value]}),
                _ => value,
            }
            .to_string()
            .into_bytes()
        }
        (None, None) => script["body"].to_string().into_bytes(),
    };
    let headers = script["headers"].as_object().into_iter().flatten();
    Answer::Response(Response {
        status: u16::try_from(script["status"].as_u64().unwrap_or(200)).unwrap(),
        headers: Headers::new(
            headers.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())),
        ),
        body,
        received_at: now() + TimeDelta::hours(hours),
    })
}

/// The progress as it is after a restart.
pub fn restarted(progress: &Progress) -> Progress {
    serde_json::from_str(&serde_json::to_string(progress).unwrap()).unwrap()
}

/// Plays a flow to its end.
pub fn play(provider: &dyn Provider, flow: &Flow) -> Vec<Exchange> {
    let account = account(KEY);
    let mut progress = Progress::start(now());
    let mut hours = 0;
    let mut exchanges = Vec::new();
    for script in &flow.steps {
        hours += script["after_hours"].as_i64().unwrap_or(0);
        let call = Call {
            account: &account,
            operation: &flow.operation,
            id: JOB,
            progress: &progress,
            at: now() + TimeDelta::hours(hours),
        };
        let request = provider.request(&call);
        let outcome = provider.read(&call, &answer(provider, script, hours));
        let next = match &outcome {
            Outcome::Next(next) => Some(next.clone()),
            Outcome::Retry { progress, .. } | Outcome::RateLimited { progress, .. } => {
                Some(restarted(progress))
            }
            _ => None,
        };
        exchanges.push(Exchange {
            before: progress.clone(),
            at: call.at,
            request,
            outcome: Some(outcome),
        });
        match next {
            Some(next) => progress = next,
            None => return exchanges,
        }
    }
    // What would be sent next, or why nothing can be.
    let call = Call {
        account: &account,
        operation: &flow.operation,
        id: JOB,
        progress: &progress,
        at: now() + TimeDelta::hours(hours),
    };
    exchanges.push(Exchange {
        before: progress.clone(),
        at: call.at,
        request: provider.request(&call),
        outcome: None,
    });
    exchanges
}

/// The request in lines, decoded.
fn written(request: &Result<Request, Refusal>) -> String {
    let request = match request {
        Ok(request) => request,
        Err(refusal) => return format!("-- refused: {refusal}\n"),
    };
    let mut out = String::new();
    let (path, query) = request
        .target
        .split_once('?')
        .unwrap_or((&request.target, ""));
    writeln!(out, "-> {} {path}", request.method.as_str()).unwrap();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        writeln!(out, "     ? {name}={value}").unwrap();
    }
    for name in ["Idempotency-Key", "Stripe-Version", "Polar-Version"] {
        if let Some(value) = request.plain_header(name) {
            writeln!(out, "     {name}: {value}").unwrap();
        }
    }
    match request.plain_header("Content-Type") {
        Some("application/json") => {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            for (name, value) in body.as_object().unwrap() {
                writeln!(out, "     {name}: {value}").unwrap();
            }
        }
        Some(_) => {
            for (name, value) in form_urlencoded::parse(&request.body) {
                writeln!(out, "     {name}={value}").unwrap();
            }
        }
        None => assert!(request.body.is_empty()),
    }
    out
}

/// The outcome in one line.
fn read_as(outcome: &Outcome) -> String {
    let strip = |progress: &Progress| {
        let notes: Vec<String> = progress
            .notes
            .iter()
            .map(|(name, value)| format!("{name}={}", value.replace('\n', ",")))
            .collect();
        let token = if progress.pass.is_some() {
            " +token"
        } else {
            ""
        };
        format!(
            "step={:?} group={} [{}]{token}",
            progress.step,
            progress.group,
            notes.join(" ")
        )
    };
    match outcome {
        Outcome::Next(progress) => format!("next {}", strip(progress)),
        Outcome::Retry {
            after_seconds,
            progress,
            failure,
        } => format!(
            "retry after {after_seconds:?} {} ({failure})",
            strip(progress)
        ),
        Outcome::RateLimited {
            after_seconds,
            progress,
            ..
        } => format!("rate limited, after {after_seconds:?} {}", strip(progress)),
        other => match pruned(to_value(other).unwrap()) {
            Value::Object(fields) if fields.is_empty() => "done, and nothing is there".to_owned(),
            shown => shown.to_string(),
        },
    }
}

#[test]
fn every_conversation_is_as_accepted() {
    for provider in providers() {
        let mut out = String::new();
        for flow in flows(provider) {
            writeln!(out, "## {}", flow.name).unwrap();
            for exchange in play(provider, &flow) {
                out.push_str(&written(&exchange.request));
                if let Some(outcome) = &exchange.outcome {
                    writeln!(out, "<- {}", read_as(outcome)).unwrap();
                }
            }
            out.push('\n');
        }
        compare(provider, "flows.expected.txt", &out);
    }
}

#[test]
fn every_operation_has_a_flow_or_is_refused() {
    for provider in providers() {
        let played: Vec<&str> = flows(provider)
            .iter()
            .map(|flow| flow.operation.name())
            .collect();
        for name in [
            "ensure_customer",
            "ensure_plan",
            "open_checkout",
            "close_checkout",
            "charge",
            "start_subscription",
            "change_subscription",
            "undo_change",
            "cancel_subscription",
            "keep_subscription",
            "pause_subscription",
            "resume_subscription",
            "refund",
            "list_plans",
            "list_subscriptions",
            "list_methods",
            "remove_method",
            "fetch",
        ] {
            assert!(played.contains(&name), "{} lacks {name}", provider.code());
        }
    }
}

#[test]
fn every_request_has_what_the_documentation_demands() {
    for provider in providers() {
        let demands = read_json(provider, "required.json");
        let mut used = std::collections::BTreeSet::new();
        for flow in flows(provider) {
            for exchange in play(provider, &flow) {
                let Ok(request) = exchange.request else {
                    continue;
                };
                let path = request.target.split('?').next().unwrap();
                let asked = format!("{} {path}", request.method.as_str());
                let demand = demands.as_object().unwrap().iter().find(|(pattern, _)| {
                    let wild: Vec<&str> = pattern.split('/').collect();
                    let parts: Vec<&str> = asked.split('/').collect();
                    wild.len() == parts.len()
                        && wild.iter().zip(&parts).all(|(w, p)| w == p || *w == "*")
                });
                let Some((pattern, fields)) = demand else {
                    panic!("{}: nobody knows {asked}", provider.code());
                };
                used.insert(pattern.clone());
                let body = String::from_utf8(request.body.clone()).unwrap();
                let present = |field: &str| {
                    let json: Option<Value> = serde_json::from_str(&body).ok();
                    json.is_some_and(|json| json.pointer(&format!("/{field}")).is_some())
                        || form_urlencoded::parse(body.as_bytes()).any(|(name, _)| {
                            name == field || name.starts_with(&format!("{field}["))
                        })
                };
                for field in fields.as_array().unwrap() {
                    let field = field.as_str().unwrap();
                    assert!(present(field), "{asked} lacks {field}");
                }
                assert_eq!(request.url(), format!("{}{}", request.base, request.target));
            }
        }
        for (pattern, _) in demands.as_object().unwrap() {
            assert!(
                used.contains(pattern),
                "{}: no flow sends {pattern}",
                provider.code()
            );
        }
    }
}

#[test]
fn operations_survive_the_outbox() {
    for provider in providers() {
        for flow in flows(provider) {
            let kept = serde_json::to_string(&flow.operation).unwrap();
            let back: Operation = serde_json::from_str(&kept).unwrap();
            assert_eq!(back, flow.operation, "{}", flow.name);
        }
    }
}

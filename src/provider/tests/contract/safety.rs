//! Money moves once: whatever is lost, nothing that may have moved money is asked for blindly.

use chrono::{DateTime, Utc};
use owostack_provider::Provider;
use owostack_provider::account::Account;
use owostack_provider::answer::{Answer, Headers, Response};
use owostack_provider::call::Call;
use owostack_provider::outcome::Outcome;
use owostack_provider::progress::Progress;
use owostack_provider::request::Request;

use crate::flows::{Flow, JOB, KEY, flows, play, restarted};
use crate::harness::{account, now, providers};

/// Answers after which nobody knows what happened.
fn unclear() -> Vec<(&'static str, Answer)> {
    let response = |status, body: &str| {
        Answer::Response(Response {
            status,
            headers: Headers::default(),
            body: body.as_bytes().to_vec(),
            received_at: now(),
        })
    };
    vec![
        ("no answer", Answer::Lost("timeout".to_owned())),
        (
            "half a body",
            response(200, r#"{"id": "x_1", "status": "suc"#),
        ),
        ("an empty object", response(200, "{}")),
        ("nothing", response(200, "")),
        ("a gateway's page", response(502, "<html>502</html>")),
        ("an error inside", response(500, r#"{"message":"oops"}"#)),
        ("a timeout in between", response(504, "")),
        ("a request timeout", response(408, "{}")),
    ]
}

/// One request of a flow that may move money.
struct Case<'a> {
    provider: &'a dyn Provider,
    flow: &'a Flow,
    progress: &'a Progress,
    request: &'a Request,
    at: DateTime<Utc>,
    place: String,
}

fn call<'a>(account: &'a Account, case: &'a Case<'_>, progress: &'a Progress) -> Call<'a> {
    Call {
        account,
        operation: &case.flow.operation,
        id: JOB,
        progress,
        at: case.at,
    }
}

/// Whether a request is the very same one, under a key that the provider remembers.
fn is_replay(one: &Request, other: &Request) -> bool {
    let key = |request: &Request| request.plain_header("Idempotency-Key").map(str::to_owned);
    key(one).is_some()
        && key(one) == key(other)
        && one.method == other.method
        && one.target == other.target
        && one.body == other.body
}

/// Where an outcome goes on.
fn next(outcome: &Outcome) -> Option<Progress> {
    match outcome {
        Outcome::Next(progress) => Some(progress.clone()),
        Outcome::Retry { progress, .. } | Outcome::RateLimited { progress, .. } => {
            Some(restarted(progress))
        }
        _ => None,
    }
}

/// Each exchange of each flow that may move money.
fn each(mut check: impl FnMut(&Case<'_>)) {
    let mut checked = 0;
    for provider in providers() {
        for flow in flows(provider) {
            if !flow.operation.moves_money() {
                continue;
            }
            for exchange in play(provider, &flow) {
                let Ok(request) = &exchange.request else {
                    continue;
                };
                let step = &exchange.before.step;
                check(&Case {
                    provider,
                    flow: &flow,
                    progress: &exchange.before,
                    request,
                    at: exchange.at,
                    place: format!("{} {}, step {step:?}", provider.code(), flow.name),
                });
                checked += 1;
            }
        }
    }
    assert!(checked > 200);
}

#[test]
fn a_lost_write_is_looked_for_or_replayed_under_its_key() {
    let account = account(KEY);
    each(|case| {
        let Case {
            provider,
            progress,
            request,
            place,
            ..
        } = case;
        if request.method.is_read() {
            return;
        }
        for (what, answer) in unclear() {
            let outcome = provider.read(&call(&account, case, progress), &answer);
            let Some(after) = next(&outcome) else {
                panic!("{place}: {what} ended as {outcome:?}");
            };
            let again = provider.request(&call(&account, case, &after)).unwrap();
            // An answer that was good but empty may lead on to reading what was done.
            assert!(
                again.method.is_read() || is_replay(request, &again),
                "{place}: after {what} {again:?} is sent"
            );
        }
    });
}

#[test]
fn a_look_that_fails_decides_nothing() {
    let account = account(KEY);
    each(|case| {
        let Case {
            provider,
            progress,
            request,
            place,
            ..
        } = case;
        if !request.method.is_read() {
            return;
        }
        for (what, answer) in unclear() {
            let outcome = provider.read(&call(&account, case, progress), &answer);
            let Outcome::Retry {
                progress: after, ..
            } = outcome
            else {
                panic!("{place}: {what} was read as {outcome:?}");
            };
            let again = provider
                .request(&call(&account, case, &restarted(&after)))
                .unwrap();
            assert!(again.method.is_read(), "{place}: after {what} {again:?}");
        }
    });
}

#[test]
fn a_look_after_a_loss_that_is_refused_decides_nothing() {
    let account = account(KEY);
    let refused = Answer::Response(Response {
        status: 400,
        headers: Headers::default(),
        body: br#"{"status":false,"message":"bad request","code":"odd"}"#.to_vec(),
        received_at: now(),
    });
    let lost = Answer::Lost("timeout".to_owned());
    each(|case| {
        let Case {
            provider,
            progress,
            request,
            place,
            ..
        } = case;
        if request.method.is_read() {
            return;
        }
        let outcome = provider.read(&call(&account, case, progress), &lost);
        let after = next(&outcome).unwrap();
        let again = provider.request(&call(&account, case, &after)).unwrap();
        // A subscription is read before it is changed; that it cannot be read is an end.
        if !again.method.is_read() || after.step.is_empty() {
            return;
        }
        let outcome = provider.read(&call(&account, case, &after), &refused);
        assert!(
            matches!(outcome, Outcome::Retry { .. }),
            "{place}: the look was read as {outcome:?}"
        );
    });
}

#[test]
fn what_was_not_sent_is_sent_again_as_it_was() {
    let account = account(KEY);
    let not_sent = Answer::NotSent("connection refused".to_owned());
    each(|case| {
        let Case {
            provider,
            progress,
            request,
            place,
            ..
        } = case;
        let outcome = provider.read(&call(&account, case, progress), &not_sent);
        let Outcome::Retry {
            progress: after, ..
        } = outcome
        else {
            panic!("{place}: {outcome:?}");
        };
        let again = provider.request(&call(&account, case, &after)).unwrap();
        assert_eq!(
            (again.url(), &again.body),
            (request.url(), &request.body),
            "{place}"
        );
    });
}

#[test]
fn a_charge_carries_the_mark_that_it_is_looked_for_by() {
    for provider in providers() {
        for flow in flows(provider)
            .iter()
            .filter(|flow| flow.operation.name() == "charge")
        {
            let writes: Vec<Request> = play(provider, flow)
                .into_iter()
                .filter_map(|exchange| exchange.request.ok())
                .filter(|request| !request.method.is_read())
                .collect();
            if let Some(first) = writes.first() {
                let body = String::from_utf8(first.body.clone()).unwrap();
                assert!(
                    body.contains(&JOB.to_string()),
                    "{} {}",
                    provider.code(),
                    flow.name
                );
            }
        }
    }
}

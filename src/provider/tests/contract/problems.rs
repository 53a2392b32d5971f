//! What goes wrong on the way is told apart, the same for every provider and operation.

use owostack_provider::answer::{Answer, Headers, Response};
use owostack_provider::call::Call;
use owostack_provider::outcome::Outcome;
use owostack_provider::progress::Progress;

use crate::flows::{Flow, JOB, KEY, flows};
use crate::harness::{account, now, providers};

/// What each first request of each flow makes of an answer.
fn each(answer: &Answer, mut check: impl FnMut(&str, &Flow, Outcome)) {
    let account = account(KEY);
    for provider in providers() {
        for flow in flows(provider) {
            let progress = Progress::start(now());
            let call = Call {
                account: &account,
                operation: &flow.operation,
                id: JOB,
                progress: &progress,
                at: now(),
            };
            if provider.request(&call).is_ok() {
                let place = format!("{} {}", provider.code(), flow.name);
                check(&place, &flow, provider.read(&call, answer));
            }
        }
    }
}

fn response(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
    Answer::Response(Response {
        status,
        headers: Headers::new(headers.iter().copied()),
        body: body.as_bytes().to_vec(),
        received_at: now(),
    })
}

#[test]
fn too_many_requests_wait_as_long_as_is_asked() {
    for body in [r#"{"message":"slow down"}"#, "slow down", ""] {
        each(
            &response(429, &[("retry-after", "7")], body),
            |place, _, outcome| {
                let Outcome::RateLimited {
                    after_seconds,
                    progress,
                    ..
                } = outcome
                else {
                    panic!("{place}: {outcome:?}");
                };
                assert_eq!(
                    (after_seconds, progress.step.as_str()),
                    (Some(7), ""),
                    "{place}"
                );
            },
        );
    }
}

#[test]
fn a_refused_key_is_told_apart() {
    for status in [401, 403] {
        for body in [r#"{"message":"no"}"#, "<html>no</html>"] {
            each(&response(status, &[], body), |place, _, outcome| {
                assert!(
                    matches!(outcome, Outcome::Unauthorized(_)),
                    "{place}: {outcome:?}"
                );
            });
        }
    }
}

#[test]
fn a_server_that_is_down_is_tried_again() {
    for (status, body) in [
        (500, "{}"),
        (502, "<html>"),
        (503, ""),
        (200, "{\"id\": \"a"),
        (200, "<html>"),
    ] {
        each(&response(status, &[], body), |place, _, outcome| {
            assert!(
                matches!(outcome, Outcome::Retry { .. }),
                "{place}: {status} {outcome:?}"
            );
        });
    }
    let answer = response(503, &[("Retry-After", "120")], "");
    each(&answer, |place, _, outcome| {
        let Outcome::Retry { after_seconds, .. } = outcome else {
            panic!("{place}: {outcome:?}");
        };
        assert_eq!(after_seconds, Some(120), "{place}");
    });
}

#[test]
fn a_redirect_is_not_followed() {
    for status in [301, 302, 307, 308] {
        each(
            &response(status, &[("Location", "https://else.test/")], ""),
            |place, _, outcome| {
                assert!(
                    matches!(outcome, Outcome::Retry { .. }),
                    "{place}: {outcome:?}"
                );
            },
        );
    }
}

#[test]
fn an_empty_answer_is_no_object() {
    each(&response(200, &[], ""), |place, flow, outcome| {
        let may_be_empty = matches!(flow.operation.name(), "remove_method");
        let good = matches!(outcome, Outcome::Retry { .. }) || may_be_empty;
        assert!(good, "{place}: {outcome:?}");
    });
}

#[test]
fn the_words_of_a_failure_are_kept_and_bounded() {
    let long = format!(
        r#"{{"message":"{}","error":"{}","status":false}}"#,
        "x".repeat(5_000),
        "y".repeat(5_000)
    );
    each(
        &response(400, &[("request-id", "r1"), ("x-request-id", "r1")], &long),
        |place, _, outcome| {
            let failure = match &outcome {
                Outcome::Invalid(failure) | Outcome::Unauthorized(failure) => failure,
                Outcome::Missing { failure, .. } | Outcome::Retry { failure, .. } => failure,
                Outcome::Next(_) => return,
                _ => panic!("{place}: {outcome:?}"),
            };
            assert!(failure.message.len() <= 500, "{place}");
            assert!(
                failure.code.as_ref().is_none_or(|code| code.len() <= 500),
                "{place}"
            );
            assert_eq!(
                (failure.status, failure.request_id.as_deref()),
                (400, Some("r1")),
                "{place}"
            );
        },
    );
}

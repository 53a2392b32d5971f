//! Every sample webhook means what it must, whatever the delivery.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use chrono::TimeDelta;
use owostack_provider::Provider;
use owostack_provider::event::{Change, Event, Reading};
use owostack_provider::object::ObjectKind;
use owostack_provider::webhook::Delivery;
use serde_json::to_value;

use crate::harness::{compare, delivery, folder, now, providers, pruned, sample_headers, samples};

fn read(provider: &dyn Provider, name: &str, body: &[u8]) -> Event {
    let headers = sample_headers(name);
    provider
        .event(&delivery(&headers, body))
        .unwrap_or_else(|error| panic!("{} {name}: {error}", provider.code()))
}

/// A word of an enumeration as it is serialised.
fn word(value: impl serde::Serialize) -> String {
    to_value(value).unwrap().as_str().unwrap().to_owned()
}

/// What a change means, in a few words.
fn meaning(change: &Change) -> String {
    let money = |money: Option<owostack_provider::money::Money>| {
        money.map_or_else(String::new, |money| {
            format!(" {} {}", money.amount, money.currency)
        })
    };
    let when = |flag: bool, word: &str| {
        if flag {
            format!(" {word}")
        } else {
            String::new()
        }
    };
    match change {
        Change::Checkout(checkout) => format!(
            "checkout {}{}",
            word(checkout.status),
            when(checkout.paid, "paid")
        ),
        Change::Subscription(snapshot) => format!(
            "subscription {}{}{}{}",
            word(snapshot.status),
            when(snapshot.cancels, "cancels"),
            when(snapshot.given_up, "given_up"),
            when(snapshot.pending.is_some(), "pending")
        ),
        Change::TrialEnding { .. } => "trial ending".to_owned(),
        Change::Payment(payment) => format!(
            "payment {}{} {}",
            word(payment.status),
            money(payment.money),
            word(payment.reason)
        ),
        Change::SamePayment { .. } => "same payment".to_owned(),
        Change::Refund(refund) => format!(
            "refund {}{}{}",
            word(refund.status),
            money(refund.money),
            when(refund.needs_attention, "attention")
        ),
        Change::MethodSaved(_) => "method saved".to_owned(),
        Change::MethodRemoved { .. } => "method removed".to_owned(),
        Change::MethodExpiring { .. } => "card expiring".to_owned(),
        Change::Customer(_) => "customer".to_owned(),
        Change::Dispute { .. } => "dispute".to_owned(),
        Change::Look(object) => format!("look {}", word(object.kind)),
    }
}

#[test]
fn every_sample_means_what_was_written_by_hand() {
    for provider in providers() {
        let text = fs::read_to_string(folder(provider).join("meaning.txt")).unwrap();
        let mut expected: BTreeMap<&str, &str> = text
            .lines()
            .map(|line| line.split_once(" = ").unwrap())
            .collect();
        for (name, body) in samples(provider) {
            let event = read(provider, &name, &body);
            let meanings: Vec<String> = event
                .effects
                .iter()
                .map(|effect| meaning(&effect.change))
                .collect();
            let found = match event.reading {
                Reading::Used => meanings.join("; "),
                Reading::Ignored => "ignored".to_owned(),
                Reading::Unknown => "unknown".to_owned(),
            };
            assert_eq!(
                expected.remove(name.as_str()),
                Some(found.as_str()),
                "{} {name}",
                provider.code()
            );
        }
        assert!(expected.is_empty(), "no samples for {expected:?}");
    }
}

#[test]
fn every_detail_of_every_sample_is_as_accepted() {
    for provider in providers() {
        let mut out = String::new();
        for (name, body) in samples(provider) {
            let event = read(provider, &name, &body);
            writeln!(
                out,
                "{name}\n  {} {} at {} account {} live {}",
                event.id,
                event.kind,
                event.at.to_rfc3339(),
                event.account.as_deref().unwrap_or("-"),
                event.live.map_or("-".to_owned(), |live| live.to_string()),
            )
            .unwrap();
            for effect in &event.effects {
                writeln!(
                    out,
                    "  {}\n    {}\n    link {}\n    order {}",
                    effect.change.name(),
                    pruned(to_value(&effect.change).unwrap()),
                    pruned(to_value(&effect.link).unwrap()),
                    pruned(to_value(effect.order).unwrap()),
                )
                .unwrap();
            }
        }
        compare(provider, "events.expected.txt", &out);
    }
}

#[test]
fn an_event_has_one_id_and_no_two_events_share_one() {
    for provider in providers() {
        let mut ids = BTreeSet::new();
        for (name, body) in samples(provider) {
            let headers = sample_headers(&name);
            let once = provider.event(&delivery(&headers, &body)).unwrap();
            let again = provider
                .event(&Delivery {
                    headers: &headers,
                    body: &body,
                    received_at: now() + TimeDelta::minutes(3),
                })
                .unwrap();
            assert_eq!(once.id, again.id, "{} {name}", provider.code());
            assert!(!once.id.is_empty() && once.id.len() <= 500);
            assert!(
                ids.insert(once.id),
                "{} {name} shares its id",
                provider.code()
            );
        }
    }
}

#[test]
fn every_effect_can_be_led_back_to_somebody() {
    for provider in providers() {
        for (name, body) in samples(provider) {
            for effect in read(provider, &name, &body).effects {
                let link = &effect.link;
                let evidence = link.customer.is_some()
                    || link.external_id.is_some()
                    || link.subscription.is_some()
                    || link.reference.is_some()
                    || link.email.is_some()
                    || !link.tags.is_empty();
                let by_payment = match &effect.change {
                    Change::SamePayment { .. } => true,
                    Change::Refund(refund) => refund.payment.is_some(),
                    Change::Dispute { payment } => payment.is_some(),
                    _ => false,
                };
                assert!(evidence || by_payment, "{} {name}", provider.code());
            }
        }
    }
}

#[test]
fn snapshots_carry_what_the_state_machine_needs() {
    for provider in providers() {
        for (name, body) in samples(provider) {
            for effect in read(provider, &name, &body).effects {
                if let Change::Subscription(snapshot) = effect.change {
                    let place = format!("{} {name}", provider.code());
                    assert!(!snapshot.id.is_empty(), "{place}");
                    assert_eq!(
                        effect.link.subscription.as_deref(),
                        Some(snapshot.id.as_str())
                    );
                    assert!(
                        snapshot
                            .period
                            .is_none_or(|period| period.start < period.end),
                        "{place}"
                    );
                    assert!(
                        !(snapshot.cancels && snapshot.status.has_ended()),
                        "{place}"
                    );
                    assert_eq!(
                        effect.order.certain,
                        provider.capabilities().events_are_timed,
                        "{place}"
                    );
                }
            }
        }
    }
}

#[test]
fn of_equal_moments_the_end_wins_and_orders_are_total() {
    for provider in providers() {
        let mut orders = Vec::new();
        for (name, body) in samples(provider) {
            for effect in read(provider, &name, &body).effects {
                if let Change::Subscription(snapshot) = &effect.change {
                    let mut order = effect.order;
                    order.at = now();
                    orders.push((order, snapshot.status.has_ended()));
                }
            }
        }
        orders.sort_by_key(|(order, _)| *order);
        let first_end = orders.iter().position(|(_, ended)| *ended).unwrap();
        assert!(orders[first_end..].iter().all(|(_, ended)| *ended));
        for (one, _) in &orders {
            for (other, _) in &orders {
                assert_eq!(one.cmp(other).reverse(), other.cmp(one));
                assert_eq!(one == other, one.cmp(other).is_eq());
            }
        }
    }
}

#[test]
fn events_that_nobody_knows_are_kept_and_mean_nothing() {
    for provider in providers() {
        let headers = sample_headers("unknown");
        for body in [
            r#"{"id":"e1","type":"moon.landed","event":"moon.landed","data":{"object":{},"id":1}}"#,
            r#"{"id":"e1","type":"subscription","event":"x","data":{}}"#,
        ] {
            let event = provider
                .event(&delivery(&headers, body.as_bytes()))
                .unwrap();
            assert_eq!(event.reading, Reading::Unknown, "{}", provider.code());
            assert!(event.effects.is_empty());
        }
        for body in [
            "",
            "{",
            "null",
            "[]",
            "{}",
            r#"{"type":1}"#,
            r#"{"event":"x","type":""}"#,
        ] {
            let broken = provider.event(&delivery(&headers, body.as_bytes()));
            assert!(broken.is_err(), "{} {body}", provider.code());
        }
    }
}

#[test]
fn a_known_event_without_its_object_means_nothing() {
    for provider in providers() {
        for (name, body) in samples(provider) {
            let mut value: serde_json::Value = serde_json::from_slice(&body).unwrap();
            let data = value.pointer_mut("/data/object");
            let inner = match data {
                Some(object) => object,
                None => value.pointer_mut("/data").unwrap(),
            };
            *inner = serde_json::json!({});
            let headers = sample_headers(&name);
            let bytes = value.to_string().into_bytes();
            let event = provider.event(&delivery(&headers, &bytes)).unwrap();
            let harmless = event.effects.iter().all(|effect| match &effect.change {
                Change::Refund(refund) => refund.money.is_none(),
                Change::Dispute { payment } => payment.is_none(),
                Change::Look(object) => object.kind == ObjectKind::Setup,
                _ => false,
            });
            assert!(harmless, "{} {name}: {:?}", provider.code(), event.effects);
        }
    }
}

//! Traps that adapters have fallen into: each is a case of its own.

use chrono::{DateTime, Utc};
use owostack_provider::event::{Change, Event, Order, Reading};
use owostack_provider::find;
use owostack_provider::object::{MoneyStatus, Status};
use serde_json::{Value, json};

use crate::harness::{at, delivery, now, sample_headers, samples};

fn sample(code: &str, name: &str) -> Value {
    let all = samples(find(code).unwrap());
    let (_, body) = all.iter().find(|(known, _)| known == name).unwrap();
    serde_json::from_slice(body).unwrap()
}

fn read(code: &str, body: &Value) -> Event {
    let headers = sample_headers("trap");
    let bytes = body.to_string().into_bytes();
    find(code)
        .unwrap()
        .event(&delivery(&headers, &bytes))
        .unwrap()
}

fn snapshot(event: &Event) -> &owostack_provider::object::Snapshot {
    match &event.effects[0].change {
        Change::Subscription(snapshot) => snapshot,
        other => panic!("{other:?}"),
    }
}

fn moment(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

#[test]
fn stripe_cumulative_refunds_count_by_their_difference_and_only_where_nothing_else_does() {
    let mut event = sample("stripe", "charge.refunded");
    assert_eq!(read("stripe", &event).reading, Reading::Ignored);
    event["api_version"] = json!("2024-06-20");
    let old = read("stripe", &event);
    let Change::Refund(refund) = &old.effects[0].change else {
        panic!("{old:?}");
    };
    assert_eq!(refund.money.unwrap().amount, 1_900);
    assert_eq!(refund.id.as_deref(), Some("ch_OwoFirst00000000000001:2900"));
    event["data"]["previous_attributes"]["amount_refunded"] = json!(2_900);
    assert!(read("stripe", &event).effects.is_empty());
}

#[test]
fn stripe_periods_are_found_in_old_and_new_shapes() {
    let new = sample("stripe", "customer.subscription.updated.renewed");
    let old = sample("stripe", "legacy-2024-06-20/customer.subscription.updated");
    for (event, end) in [(new, "2027-01-01T00:00:00Z"), (old, "2026-12-01T00:00:00Z")] {
        assert_eq!(
            snapshot(&read("stripe", &event)).period.unwrap().end,
            moment(end)
        );
    }
    let old = read(
        "stripe",
        &sample("stripe", "legacy-2024-06-20/invoice.paid"),
    );
    let Change::Payment(payment) = &old.effects[0].change else {
        panic!("{old:?}");
    };
    assert_eq!(
        payment.subscription.as_deref(),
        Some("sub_OwoPro0000000001")
    );
    assert!(
        payment
            .also
            .contains(&"pi_OwoOld0000000000000001".to_owned())
    );
    assert_eq!(payment.period.unwrap().end, moment("2027-01-01T00:00:00Z"));
}

#[test]
fn stripe_money_of_an_invoice_is_not_counted_twice() {
    // The intent of an invoice carries no tags of ours.
    let event = read(
        "stripe",
        &sample("stripe", "payment_intent.succeeded.invoice_owned"),
    );
    assert_eq!(event.reading, Reading::Ignored);
}

#[test]
fn dodo_cancelled_before_its_date_has_only_been_told_to_end() {
    let mut event = sample("dodo", "subscription.cancelled");
    event["timestamp"] = json!("2026-11-10T09:00:00Z");
    let early = read("dodo", &event);
    let found = snapshot(&early);
    assert_eq!((found.status, found.cancels), (Status::Active, true));
    assert_eq!(found.cancel_at, Some(moment("2026-12-01T00:00:00Z")));
    event["data"]["cancel_at_next_billing_date"] = json!(false);
    assert_eq!(snapshot(&read("dodo", &event)).status, Status::Canceled);
}

#[test]
fn dodo_trials_end_with_the_first_billing_date() {
    let mut event = sample("dodo", "subscription.active.trial");
    assert_eq!(
        snapshot(&read("dodo", &event)).trial_ends_at,
        Some(moment("2026-11-15T00:00:00Z"))
    );
    event["timestamp"] = json!("2026-11-15T00:00:00Z");
    assert_eq!(snapshot(&read("dodo", &event)).status, Status::Active);
    event["timestamp"] = json!("2026-11-16T00:00:00Z");
    event["data"]["next_billing_date"] = json!("2026-12-15T00:00:00Z");
    let later = read("dodo", &event);
    assert_eq!(
        (snapshot(&later).status, snapshot(&later).trial_ends_at),
        (Status::Active, None)
    );
}

#[test]
fn dodo_state_follows_from_the_data_and_not_from_the_name() {
    let mut event = sample("dodo", "subscription.active");
    event["data"]["status"] = json!("on_hold");
    assert_eq!(snapshot(&read("dodo", &event)).status, Status::PastDue);
}

#[test]
fn dodo_money_of_a_changed_card_counts_when_there_is_some() {
    let mut event = sample("dodo", "payment.succeeded.trial_zero");
    event["data"]["is_update_payment_method"] = json!(true);
    assert!(matches!(
        read("dodo", &event).effects[0].change,
        Change::MethodSaved(_)
    ));
    event["data"]["total_amount"] = json!(3_118);
    let paid = read("dodo", &event);
    assert!(
        paid.effects
            .iter()
            .any(|effect| matches!(effect.change, Change::Payment(_)))
    );
}

#[test]
fn paystack_renewals_are_one_payment_under_two_names() {
    let reference = |name| {
        let event = read("paystack", &sample("paystack", name));
        event
            .effects
            .iter()
            .find_map(|effect| match &effect.change {
                Change::Payment(payment) => Some(payment.id.clone()),
                _ => None,
            })
    };
    assert_eq!(
        reference("charge.success.plan_renewal"),
        reference("invoice.update")
    );
}

#[test]
fn paystack_events_of_the_same_bytes_on_another_day_are_other_events() {
    let provider = find("paystack").unwrap();
    let headers = sample_headers("x");
    let id = |name: &str, seconds| {
        let bytes = sample("paystack", name).to_string().into_bytes();
        let mut delivery = delivery(&headers, &bytes);
        delivery.received_at = at(seconds);
        provider.event(&delivery).unwrap().id
    };
    let day = now().timestamp();
    // Ended, kept and ended again a day later.
    assert_ne!(
        id("subscription.not_renew", day),
        id("subscription.not_renew", day + 86_400)
    );
    assert_eq!(
        id("charge.success", day),
        id("charge.success", day + 86_400)
    );
}

#[test]
fn paystack_currencies_without_decimals_come_in_hundredths() {
    let mut event = sample("paystack", "charge.success");
    event["data"]["currency"] = json!("XOF");
    let paid = read("paystack", &event);
    let Change::Payment(payment) = &paid.effects[0].change else {
        panic!("{paid:?}");
    };
    assert_eq!(payment.money.unwrap().amount, 2_500);
    // What is no whole franc is not rounded away: the money is not said.
    event["data"]["amount"] = json!(250_050);
    let odd = read("paystack", &event);
    assert!(matches!(&odd.effects[0].change, Change::Payment(payment) if payment.money.is_none()));
}

#[test]
fn polar_refunds_are_counted_once_and_with_their_tax() {
    let order = read("polar", &sample("polar", "order.refunded"));
    assert_eq!(order.reading, Reading::Ignored);
    let refund = read("polar", &sample("polar", "refund.updated"));
    let Change::Refund(refund) = &refund.effects[0].change else {
        panic!("{refund:?}");
    };
    assert_eq!(refund.money.unwrap().amount, 1_075);
}

#[test]
fn polar_canceled_means_told_to_end_while_it_is_active() {
    let told = read("polar", &sample("polar", "subscription.canceled"));
    let found = snapshot(&told);
    assert_eq!((found.status, found.cancels), (Status::Active, true));
    assert_eq!(found.cancel_at, Some(moment("2026-12-01T00:00:00Z")));
}

#[test]
fn late_news_of_money_win_in_the_same_second() {
    let refund = |status| {
        let mut event = sample("stripe", "refund.updated");
        event["data"]["object"]["status"] = json!(status);
        read("stripe", &event).effects[0].order
    };
    assert!(refund("pending") < refund("succeeded"));
    assert!(refund("succeeded") < refund("failed"));
    let charge = |status| {
        let mut event = sample("stripe", "payment_intent.succeeded.off_session");
        event["data"]["object"]["status"] = json!(status);
        let event = read("stripe", &event);
        let Change::Payment(payment) = &event.effects[0].change else {
            panic!("{event:?}");
        };
        (payment.status, event.effects[0].order)
    };
    assert_eq!(charge("processing").0, MoneyStatus::Pending);
    assert!(charge("processing").1 < charge("requires_payment_method").1);
    assert!(charge("requires_payment_method").1 < charge("succeeded").1);
}

#[test]
fn equal_moments_and_moments_of_receipt_are_doubtful() {
    let order =
        |code: &str, name: &str| -> Order { read(code, &sample(code, name)).effects[0].order };
    let created = order("stripe", "customer.subscription.created");
    let trialing = order("stripe", "customer.subscription.created.trialing");
    let incomplete = order("stripe", "customer.subscription.created.incomplete");
    let renewed = order("stripe", "customer.subscription.updated.renewed");
    assert!(trialing.is_doubtful_after(&created));
    assert!(!created.is_doubtful_after(&incomplete) && created > incomplete);
    assert!(!renewed.is_doubtful_after(&created) && renewed > created);
    let paystack = order("paystack", "subscription.create");
    assert!(renewed.is_doubtful_after(&paystack));
}

//! Wishes against the capabilities of every provider.

use chrono::DateTime;
use owostack_domain::interval::{Cadence, Interval};

use super::*;
use crate::money::Money;
use crate::operation::{Operation, Proration, Purchase, Timing};
use crate::tag::{Tag, Tags};
use crate::{PROVIDERS, find};
use uuid::Uuid;

fn usd() -> Currency {
    Currency::parse("USD").unwrap()
}

fn key(cadence: Option<Cadence>) -> PriceKey {
    PriceKey {
        plan_id: Uuid::from_u128(5),
        money: Money {
            amount: 2_000,
            currency: usd(),
        },
        cadence,
    }
}

fn monthly() -> PriceKey {
    key(Some(Cadence::every(Interval::Monthly)))
}

fn buyer() -> Buyer {
    Buyer {
        id: Uuid::from_u128(1),
        key: "acme".to_owned(),
        email: Some("a@acme.test".to_owned()),
        name: Some("Acme".to_owned()),
    }
}

fn page(sale: Sale) -> Page {
    Page {
        id: Uuid::from_u128(9),
        buyer: buyer(),
        sale,
        return_url: Some("https://acme.test/done".to_owned()),
        expires_at: None,
        tags: Tags::default().with(Tag::Plan, "5"),
    }
}

fn plan_page() -> Page {
    page(Sale::Plan {
        key: monthly(),
        trial_days: None,
    })
}

fn link(product: &str) -> PlanLink {
    PlanLink {
        product: product.to_owned(),
        price: None,
    }
}

/// Every need of the wish, met.
fn met(wish: &Wish, provider: &dyn Provider) -> Links {
    let mut links = Links::default();
    for need in wish.needs(provider) {
        match need {
            Need::Customer => links.customer = Some("cus_1".to_owned()),
            other => links.note(other, link("prod_1")),
        }
    }
    links
}

fn sent(wish: &Wish, provider: &dyn Provider) -> Operation {
    match wish.judge(provider, &met(wish, provider)) {
        Judged::Operation(operation) => *operation,
        other => panic!("{}: {other:?}", provider.code()),
    }
}

fn refusal(wish: &Wish, provider: &dyn Provider) -> String {
    match wish.judge(provider, &Links::default()) {
        Judged::Refused(reason) => reason,
        other => panic!("{}: {other:?}", provider.code()),
    }
}

#[test]
fn a_price_key_comes_back_from_its_text_and_tells_prices_apart() {
    let keys = [
        key(None),
        monthly(),
        key(Some(Cadence::new(Interval::Weekly, 3))),
        PriceKey {
            money: Money {
                amount: 2_001,
                currency: usd(),
            },
            ..monthly()
        },
    ];
    for one in keys {
        assert_eq!(PriceKey::parse(&one.to_string()), Some(one));
        let same = keys
            .iter()
            .filter(|other| other.to_string() == one.to_string());
        assert_eq!(same.count(), 1);
    }
    let id = Uuid::from_u128(5);
    for text in [
        String::new(),
        "x.1.USD.once".to_owned(),
        format!("{id}.1.USD"),
        format!("{id}.-1.USD.once"),
        format!("{id}.1.usd5.once"),
        format!("{id}.1.USD.fortnightly"),
    ] {
        assert_eq!(PriceKey::parse(&text), None, "{text}");
    }
}

#[test]
fn what_is_missing_there_is_named_first() {
    for provider in PROVIDERS.iter().copied() {
        let first = provider.capabilities().customer_first;
        let wish = Wish::Page(plan_page());
        let Judged::First(needs) = wish.judge(provider, &Links::default()) else {
            panic!("{}", provider.code());
        };
        assert!(needs.contains(&Need::Price(monthly())));
        assert_eq!(needs.contains(&Need::Customer), first);
    }
}

#[test]
fn a_plan_is_sold_at_the_price_of_its_key_everywhere() {
    for provider in PROVIDERS.iter().copied() {
        let Operation::OpenCheckout(draft) = sent(&Wish::Page(plan_page()), provider) else {
            panic!("{}", provider.code());
        };
        assert_eq!(draft.success_url.as_deref(), Some("https://acme.test/done"));
        let known = provider.capabilities().customer_first;
        assert_eq!(draft.buyer.reference.is_some(), known);
        assert_eq!(
            draft.purchase,
            Purchase::Subscription {
                plan: link("prod_1"),
                money: monthly().money,
                quantity: 1,
                trial_days: None,
            }
        );
    }
}

#[test]
fn what_is_paid_once_and_saved_cards_need_products_as_capabilities_say() {
    for provider in PROVIDERS.iter().copied() {
        let once = Wish::Page(page(Sale::Once {
            key: key(None),
            name: "Credits".to_owned(),
            quantity: 3,
        }));
        let needs = provider.capabilities().one_time_needs_product;
        let Operation::OpenCheckout(draft) = sent(&once, provider) else {
            panic!("{}", provider.code());
        };
        let Purchase::OneTime {
            product,
            money,
            quantity,
            ..
        } = draft.purchase
        else {
            panic!("{}", provider.code());
        };
        assert_eq!(
            (product.is_some(), money.amount, quantity),
            (needs, 2_000, 3)
        );
    }
    let card = Wish::Page(page(Sale::Card { currency: usd() }));
    let product = |code: &str| {
        let provider = find(code).unwrap();
        card.needs(provider)
            .contains(&Need::Product(Purpose::Setup, usd()))
    };
    // Polar saves cards in its portal, Dodo as a subscription of nothing.
    assert_eq!(
        ["stripe", "paystack", "dodo", "polar"].map(product),
        [false, false, true, false]
    );
}

#[test]
fn what_only_we_can_give_is_asked_for_by_name() {
    let stripe = find("stripe").unwrap();
    let no_url = Wish::Page(Page {
        return_url: None,
        ..plan_page()
    });
    assert_eq!(
        refusal(&no_url, stripe),
        "Stripe needs an address to come back to"
    );
    let nobody = Buyer {
        email: None,
        name: None,
        ..buyer()
    };
    let unnamed = Buyer {
        name: None,
        ..buyer()
    };
    let shown = |buyer: &Buyer, code: &str| {
        let wish = Wish::Page(Page {
            buyer: buyer.clone(),
            ..plan_page()
        });
        refusal(&wish, find(code).unwrap())
    };
    assert_eq!(
        shown(&nobody, "paystack"),
        "customer \"acme\" has no e-mail address, which Paystack needs"
    );
    assert_eq!(
        shown(&unnamed, "dodo"),
        "customer \"acme\" has no name, which Dodo Payments needs"
    );
    let bill = Wish::Bill(Bill {
        buyer: nobody,
        method: None,
        money: monthly().money,
        description: None,
        tags: Tags::default(),
    });
    for provider in PROVIDERS.iter().copied() {
        assert_eq!(
            refusal(&bill, provider),
            "customer \"acme\" has no saved method"
        );
    }
}

#[test]
fn a_customer_that_is_linked_needs_nothing_more_of_us() {
    for provider in PROVIDERS.iter().copied() {
        let wish = Wish::Begin(Begin {
            buyer: Buyer {
                email: None,
                name: None,
                ..buyer()
            },
            method: Some("pm_1".to_owned()),
            key: monthly(),
            first_payment_at: DateTime::from_timestamp(2_000_000_000, 0),
            tags: Tags::default(),
        });
        let Operation::StartSubscription(draft) = sent(&wish, provider) else {
            panic!("{}", provider.code());
        };
        assert_eq!(
            (draft.customer.as_str(), draft.method.as_str()),
            ("cus_1", "pm_1")
        );
        assert_eq!(draft.plan, link("prod_1"));
        assert!(draft.first_payment_at.is_some());
    }
}

#[test]
fn charges_name_their_product_where_there_must_be_one() {
    for provider in PROVIDERS.iter().copied() {
        let wish = Wish::Bill(Bill {
            buyer: buyer(),
            method: Some("pm_1".to_owned()),
            money: monthly().money,
            description: Some("Credits".to_owned()),
            tags: Tags::default(),
        });
        let Operation::Charge(draft) = sent(&wish, provider) else {
            panic!("{}", provider.code());
        };
        let needed = provider.capabilities().charges_need_product;
        assert_eq!(draft.product.is_some(), needed, "{}", provider.code());
    }
}

#[test]
fn a_switch_pays_the_difference_now_later_or_never() {
    let stripe = find("stripe").unwrap();
    for (timing, pays_now, expected) in [
        (Timing::Now, true, Proration::ChargeNow),
        (Timing::Now, false, Proration::NextInvoice),
        (Timing::PeriodEnd, true, Proration::None),
    ] {
        let wish = Wish::Switch(Switch {
            subscription: "sub_1".to_owned(),
            key: monthly(),
            timing,
            pays_now,
            method: None,
            period_end: None,
            tags: Tags::default(),
        });
        let Operation::ChangeSubscription(draft) = sent(&wish, stripe) else {
            panic!("no change");
        };
        assert_eq!((draft.timing, draft.proration), (timing, expected));
        assert_eq!(draft.subscription, "sub_1");
    }
}

#[test]
fn what_is_made_carries_its_key() {
    let made = offer(monthly(), "Pro", Some("All of it"), Tags::default());
    assert_eq!(made.key, monthly().to_string());
    for provider in PROVIDERS {
        assert!(provider.check_plan(&made).is_ok(), "{}", provider.code());
    }
    let Operation::EnsurePlan(draft) =
        product(Uuid::from_u128(3), Purpose::Charge, usd(), Tags::default())
    else {
        panic!("no plan");
    };
    assert_eq!(
        (draft.cadence, draft.tags.get(Tag::Purpose)),
        (None, Some("charge"))
    );
    assert!(draft.key.contains("charge") && draft.key.ends_with("USD"));
}

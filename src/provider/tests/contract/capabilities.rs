//! Capabilities are true: what they deny is refused, and accounts and plans are checked by them.

use owostack_domain::interval::{Cadence, Interval};
use owostack_domain::money::Currency;
use owostack_provider::account::{Account, AccountError, Environment};
use owostack_provider::money::Money;
use owostack_provider::operation::{PlanDraft, Price};
use owostack_provider::tag::Tags;
use owostack_provider::{PROVIDERS, find};
use serde_json::json;
use uuid::Uuid;

use crate::harness::{account, providers, read_json};

#[test]
fn every_provider_is_found_by_its_code() {
    for provider in providers() {
        let found = find(provider.code()).unwrap();
        assert_eq!(found.code(), provider.code());
        let code = provider.code();
        assert!(
            code.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        );
    }
    assert!(find("manual").is_none() && find("").is_none());
    let mut codes: Vec<&str> = PROVIDERS.iter().map(|provider| provider.code()).collect();
    codes.dedup();
    assert_eq!(codes.len(), PROVIDERS.len());
}

#[test]
fn addresses_are_usable() {
    for provider in providers() {
        for environment in [Environment::Test, Environment::Live] {
            let url = provider.capabilities().url(environment);
            let parsed = owostack_provider::base_url::BaseUrl::parse(url).unwrap();
            assert_eq!(parsed.as_str(), url);
        }
    }
}

#[test]
fn what_cannot_be_done_says_what_to_do() {
    use owostack_provider::capability::Support;
    for provider in providers() {
        for (name, support) in provider.capabilities().list() {
            if let Support::Instead(words) | Support::No(words) = support {
                assert!(words.len() > 20, "{} {name}", provider.code());
                assert!(!words.ends_with('.'), "{} {name}", provider.code());
            }
        }
    }
}

#[test]
fn keys_of_the_other_environment_are_noticed() {
    let stripe = find("stripe").unwrap();
    let paystack = find("paystack").unwrap();
    let account = |key: &str, environment| {
        let credentials = json!({"secret_key": key, "webhook_secret": "whsec_c2VjcmV0"});
        Account::read(&credentials, environment).unwrap()
    };
    for provider in [stripe, paystack] {
        for (key, environment, good) in [
            ("sk_test_1", Environment::Test, true),
            ("sk_test_1", Environment::Live, false),
            ("sk_live_1", Environment::Live, true),
            ("sk_live_1", Environment::Test, false),
        ] {
            let found = provider.check_account(&account(key, environment));
            let expected = if good {
                Ok(())
            } else {
                Err(AccountError::Environment)
            };
            assert_eq!(found, expected, "{} {key}", provider.code());
        }
    }
}

#[test]
fn accounts_of_the_fixtures_are_good() {
    for provider in providers() {
        let secret = read_json(provider, "signatures.json")[0]["secret"]
            .as_str()
            .unwrap()
            .to_owned();
        assert_eq!(provider.check_account(&account(&secret)), Ok(()));
    }
}

fn plan(cadence: Option<Cadence>, money: Money) -> PlanDraft {
    PlanDraft {
        plan_id: Uuid::from_u128(1),
        key: "k".to_owned(),
        name: "Pro".to_owned(),
        description: None,
        price: Price::Fixed(money),
        cadence,
        tax_category: None,
        tags: Tags::default(),
    }
}

#[test]
fn an_interval_is_refused_when_the_plan_is_linked() {
    let money = Money {
        amount: 2_900,
        currency: Currency::parse("USD").unwrap(),
    };
    for provider in providers() {
        let cadences = provider.capabilities().cadences;
        for interval in Interval::ALL {
            for count in [1, 2, 3, 12, 37, 1_000] {
                let cadence = Cadence::new(interval, count);
                let found = provider.check_plan(&plan(Some(cadence), money));
                assert_eq!(
                    found.is_ok(),
                    cadences.can_express(cadence),
                    "{} {cadence}",
                    provider.code()
                );
            }
        }
    }
}

#[test]
fn amounts_that_the_provider_cannot_count_are_refused() {
    for (code, currency, amount, good) in [
        ("stripe", "JPY", 4_500, true),
        ("stripe", "ISK", 70, true),
        ("stripe", "MGA", 100, true),
        ("stripe", "MGA", 150, false),
        ("stripe", "KWD", 1_230, true),
        ("stripe", "KWD", 1_234, false),
        ("polar", "KWD", 1_230, false),
        ("polar", "XOF", 500, true),
        ("paystack", "XOF", 500, true),
        ("dodo", "KWD", 1_234, true),
    ] {
        let money = Money {
            amount,
            currency: Currency::parse(currency).unwrap(),
        };
        let monthly = Some(Cadence::new(Interval::Monthly, 1));
        let found = find(code).unwrap().check_plan(&plan(monthly, money));
        assert_eq!(found.is_ok(), good, "{code} {currency} {amount}");
    }
}

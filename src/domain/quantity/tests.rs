//! Reading, printing and rounding of quantities, case by case.

use super::*;

fn quantity(text: &str) -> Quantity {
    Quantity::parse(text).unwrap()
}

#[test]
fn reads_and_prints_decimal_text() {
    for (text, printed) in [
        ("0", "0"),
        ("-0", "0"),
        ("5", "5"),
        ("+5", "5"),
        ("-1.50", "-1.5"),
        (".5", "0.5"),
        ("5.", "5"),
        ("1e3", "1000"),
        ("1E-9", "0.000000001"),
        ("12.5e1", "125"),
        ("0e999999999999", "0"),
        ("1.000000000000000", "1"),
        (
            "99999999999999999999.999999999",
            "99999999999999999999.999999999",
        ),
        ("-0.000000001", "-0.000000001"),
        ("1000000000000000000000e-5", "10000000000000000"),
    ] {
        assert_eq!(quantity(text).to_string(), printed, "{text}");
    }
}

#[test]
fn refuses_what_it_cannot_hold() {
    use QuantityError::*;
    for (text, error) in [
        ("", NotANumber),
        ("-", NotANumber),
        (".", NotANumber),
        ("1e", NotANumber),
        ("1e+", NotANumber),
        (" 1", NotANumber),
        ("1_000", NotANumber),
        ("0x1", NotANumber),
        ("--1", NotANumber),
        ("é", NotANumber),
        ("1.2.3", NotANumber),
        ("1e1.5", NotANumber),
        ("NaN", NotFinite),
        ("-Infinity", NotFinite),
        ("inf", NotFinite),
        ("1e20", OutOfRange),
        ("100000000000000000000", OutOfRange),
        ("-1e99999999999999999999", OutOfRange),
        ("1e-10", TooPrecise),
        ("1e-99999999999999999999", TooPrecise),
        ("0.0000000001", TooPrecise),
    ] {
        assert_eq!(Quantity::parse(text), Err(error), "{text}");
    }
}

#[test]
fn rounds_only_at_the_ninth_decimal() {
    let billionth = Quantity::from_raw(1);
    assert_eq!(billionth.mul_ceil(quantity("0.1")), Some(billionth));
    assert_eq!(
        billionth.negate().mul_ceil(quantity("0.1")),
        Some(Quantity::ZERO)
    );
    assert_eq!(
        quantity("1").div_floor(quantity("3")).unwrap().to_string(),
        "0.333333333"
    );
    assert_eq!(
        quantity("-1").div_floor(quantity("3")).unwrap().to_string(),
        "-0.333333334"
    );
    assert_eq!(Quantity::ONE.div_floor(Quantity::ZERO), None);
    let large = Quantity::from_raw(Quantity::LIMIT.raw() - 1);
    assert_eq!(large.mul_ceil(Quantity::ONE), Some(large));
    assert_eq!(large.mul_ceil(large), None);
    assert_eq!(
        large.div_floor(billionth).unwrap().raw(),
        large.raw() * 1_000_000_000
    );
    assert_eq!(
        Quantity::from_raw(i128::MAX).div_floor(Quantity::ONE),
        Some(Quantity::from_raw(i128::MAX))
    );
}

#[test]
fn travels_through_json_as_a_number() {
    let value = quantity("99999999999999999999.999999999");
    assert_eq!(serde_json::to_string(&value).unwrap(), value.to_string());
    assert_eq!(
        serde_json::to_value(value).unwrap().to_string(),
        value.to_string()
    );
    for text in [
        "99999999999999999999.999999999",
        "\"99999999999999999999.999999999\"",
    ] {
        assert_eq!(serde_json::from_str::<Quantity>(text).unwrap(), value);
    }
    assert_eq!(
        serde_json::from_str::<Quantity>("1e3").unwrap(),
        Quantity::from_int(1000)
    );
    assert!(serde_json::from_str::<Quantity>("true").is_err());
}

#[test]
fn reads_totals_beyond_the_range_of_a_single_quantity() {
    let total = |text: &str| Quantity::parse_total(text).map(|total| total.to_string());
    for text in [
        "0",
        "-3",
        "0.5",
        "100000000000000000000.999999999",
        "-100000000000000000000.5",
    ] {
        assert_eq!(total(text).as_deref(), Ok(text));
    }
    assert_eq!(total("7.500000000000").as_deref(), Ok("7.5"));
    assert_eq!(total("1.0000000001"), Err(QuantityError::TooPrecise));
    assert_eq!(total(&"9".repeat(31)), Err(QuantityError::OutOfRange));
    for text in ["", "-", ".5", "1e3", "NaN", "+1", "--1", "1.2.3"] {
        assert_eq!(total(text), Err(QuantityError::NotANumber), "{text}");
    }
}

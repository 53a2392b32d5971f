//! Rating of a quantity (`api.md` 6): pure, the same at any time and for any caller.

use crate::api::decide::quantity;
use crate::backend::answer::{Answer, Field};
use crate::backend::json::Json;
use crate::backend::numeric::Number;
use crate::error::{Error, Result};
use owostack_domain::catalog::parse_pricing;
use owostack_domain::rating::{RatingError, rate};
use pgrx::pg_sys;
use pgrx::prelude::*;

#[pg_extern(sql = false)]
fn owo_rate(
    pricing: Option<Json>,
    quantity: Option<Number>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    rated(pricing, quantity, fcinfo).unwrap_or_else(|error| error.raise())
}

fn rated(
    pricing: Option<Json>,
    units: Option<Number>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Result<Answer> {
    let document = pricing
        .ok_or_else(|| Error::null_argument("pricing"))?
        .value()?;
    let units = quantity("quantity", units)?;
    let pricing = parse_pricing(&document).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        let count = if lines.len() == 1 {
            "1 error".to_owned()
        } else {
            format!("{} errors", lines.len())
        };
        Error::invalid(format!("pricing has {count}")).detail(lines.join("\n"))
    })?;
    let rating = rate(&pricing, units).map_err(|error| match error {
        RatingError::Negative => Error::invalid(error.to_string()),
        RatingError::OutOfRange => Error::out_of_range(error.to_string()),
    })?;
    let breakdown = serde_json::to_value(&rating.lines)
        .map_err(|_| Error::internal("a rating that is not JSON"))?;
    Answer::record(fcinfo, vec![rating.amount.into(), Field::Json(breakdown)])
}

//! Polar's customers and their saved cards.
//!
//! A customer is found by our id, which Polar keeps; one that was there before us is taken over
//! when its e-mail address is the same and it has no id of anybody. A card is forgotten in the
//! customer's own name, with a token that lives in memory only.

use serde_json::{Value, json};

use super::{object, wire};
use crate::call::Call;
use crate::form::path;
use crate::json::{owned, text};
use crate::object::{Object, ObjectKind};
use crate::operation::Person;
use crate::outcome::{Failure, Outcome, Refusal};
use crate::reply::{self, Fault, Problem, Reply, done};
use crate::request::Request;
use crate::secret::Secret;

/// The request of the step that is due.
pub(super) fn request(call: &Call<'_>, person: &Person) -> Result<Request, Refusal> {
    if let Some(reference) = &person.reference {
        let path = path("/v1/customers/{}", &[reference])?;
        return Ok(wire::get(call, &path, &Value::Null));
    }
    let external = person.id.to_string();
    let email = person
        .email
        .as_deref()
        .ok_or_else(|| Refusal::incomplete("an e-mail address"))?;
    match call.step() {
        "external" => {
            let path = path("/v1/customers/external/{}", &[&external])?;
            Ok(wire::get(call, &path, &Value::Null))
        }
        "email" => {
            let query = json!({"email": email, "limit": 2});
            Ok(wire::get(call, "/v1/customers/", &query))
        }
        "adopt" => {
            let path = path("/v1/customers/{}", &[call.noted("customer")])?;
            Ok(wire::patch(call, path, &json!({"external_id": external})))
        }
        _ => Ok(wire::post(
            call,
            "/v1/customers/",
            &json!({
                "email": email,
                "name": person.name,
                "external_id": external,
                "metadata": person.marks().metadata(),
            }),
        )),
    }
}

/// What the answer of that step leads to.
pub(super) fn read(call: &Call<'_>, person: &Person, reply: Reply) -> Outcome {
    let progress = call.progress;
    let refused = progress.get("refused");
    match (call.step(), reply) {
        ("email", Ok(value)) => match reply::search(&value, "/items", |_| true) {
            Ok(found) => adopting(call, found),
            Err(problem) => problem.repeat(call),
        },
        ("external", Err(problem)) if matches!(problem.fault, Fault::Missing(_)) => {
            // Refused, and not because our id is taken: perhaps the address is.
            Outcome::Next(progress.at(if refused.is_some() { "email" } else { "" }))
        }
        ("", Err(problem)) if problem.failure.status == 422 && person.reference.is_none() => {
            let why = problem.failure.message.as_str();
            Outcome::Next(progress.at("external").note("refused", why))
        }
        (_, Ok(value)) => object::customer(&value).map_or_else(
            || Problem::incomplete().look(call, "external"),
            |customer| done(Object::Customer(customer)),
        ),
        ("", Err(problem)) if person.reference.is_none() => problem.look(call, "external"),
        (_, Err(problem)) => problem.repeat(call),
    }
}

/// Takes over the customer with the same address, unless it is somebody's.
fn adopting(call: &Call<'_>, found: Option<&Value>) -> Outcome {
    let why = call.progress.get("refused").unwrap_or_default();
    let Some((customer, id)) = found.and_then(|found| Some((found, owned(found, "/id")?))) else {
        return Outcome::Invalid(Failure::new(422, Some("customer_refused"), why));
    };
    if text(customer, "/external_id").is_some() {
        return Outcome::Exists(Failure::new(
            422,
            Some("email_taken"),
            "another customer has this e-mail address at Polar",
        ));
    }
    Outcome::Next(call.progress.at("adopt").note("customer", id))
}

/// The request for the saved cards of a customer.
pub(super) fn methods_request(call: &Call<'_>, customer: &str) -> Result<Request, Refusal> {
    let path = path("/v1/customers/{}/payment-methods", &[customer])?;
    Ok(wire::get(call, &path, &json!({"limit": 100})))
}

/// The saved cards of the answer.
pub(super) fn methods_read(call: &Call<'_>, reply: Reply) -> Outcome {
    let methods = reply.and_then(|value| {
        let items = reply::items(&value, "/items")?;
        Ok(items.iter().filter_map(object::method).collect())
    });
    methods.map_or_else(
        |problem: Problem| problem.repeat(call),
        |methods| done(Object::Methods(methods)),
    )
}

/// The request for a session of the customer's portal.
pub(super) fn session(call: &Call<'_>, customer: &Value, return_url: Option<&str>) -> Request {
    let mut body = json!({"return_url": return_url});
    if let (Some(body), Some(customer)) = (body.as_object_mut(), customer.as_object()) {
        body.extend(customer.clone());
    }
    wire::post(call, "/v1/customer-sessions/", &body)
}

/// The request of the step that is due: a session first, then the removal in its name.
pub(super) fn remove_request(
    call: &Call<'_>,
    customer: &str,
    method: &str,
) -> Result<Request, Refusal> {
    let path = path(
        "/v1/customer-portal/customers/me/payment-methods/{}",
        &[method],
    )?;
    Ok(match &call.progress.pass {
        Some(token) => wire::delete_as(call, token, path),
        None => session(call, &json!({"customer_id": customer}), None),
    })
}

/// What the answer of that step leads to.
pub(super) fn remove_read(call: &Call<'_>, reply: Reply) -> Outcome {
    if call.progress.pass.is_none() {
        return match reply {
            Ok(value) => match text(&value, "/token") {
                Some(token) => {
                    Outcome::Next(call.progress.at("remove").with_pass(Secret::new(token)))
                }
                None => Problem::incomplete().repeat(call),
            },
            Err(problem) if matches!(problem.fault, Fault::Missing(_)) => Outcome::Missing {
                object: ObjectKind::Customer,
                failure: problem.failure,
            },
            Err(problem) => problem.repeat(call),
        };
    }
    match reply {
        Ok(_) => done(Object::Gone),
        // A card that is gone already is as good as forgotten.
        Err(problem) if matches!(problem.fault, Fault::Missing(_)) => done(Object::Gone),
        Err(problem) => problem.repeat(call),
    }
}

//! Paystack's customers and their saved cards.

use serde_json::{Value, json};

use super::{object, wire};
use crate::call::Call;
use crate::form::path;
use crate::object::{Method, Object};
use crate::operation::Person;
use crate::outcome::{Outcome, Refusal};
use crate::reply::{self, Fault, Problem, Reply, done};
use crate::request::Request;

/// The request that makes or finds a customer.
pub(super) fn request(call: &Call<'_>, person: &Person) -> Result<Request, Refusal> {
    let email = person
        .email
        .as_deref()
        .ok_or_else(|| Refusal::incomplete("an e-mail address"))?;
    if let Some(reference) = &person.reference {
        return Ok(wire::get(
            call,
            &path("/customer/{}", &[reference])?,
            &json!({}),
        ));
    }
    if call.step() == "find" {
        return Ok(wire::get(
            call,
            &path("/customer/{}", &[email])?,
            &json!({}),
        ));
    }
    let name = person.name.as_deref().unwrap_or_default();
    let (first, last) = name.split_once(' ').unwrap_or((name, ""));
    let body = json!({
        "email": email,
        "first_name": Some(first).filter(|first| !first.is_empty()),
        "last_name": Some(last).filter(|last| !last.is_empty()),
        "phone": person.phone,
        // Documented as text.
        "metadata": person.marks().metadata().to_string(),
    });
    Ok(wire::post(call, "/customer", body))
}

/// The customer of the answer.
pub(super) fn read(call: &Call<'_>, reply: Reply) -> Outcome {
    let finding = call.step() == "find";
    match reply {
        Ok(value) => value.get("data").and_then(object::customer).map_or_else(
            || Problem::incomplete().look(call, "find"),
            |customer| done(Object::Customer(customer)),
        ),
        Err(problem) if finding && matches!(problem.fault, Fault::Missing(_)) => {
            Outcome::Next(call.progress.at(""))
        }
        Err(problem) if problem.fault == Fault::Exists => Outcome::Next(call.progress.at("find")),
        Err(problem) => problem.look(call, "find"),
    }
}

/// The request for a customer with the saved cards.
pub(super) fn methods_request(call: &Call<'_>, customer: &str) -> Result<Request, Refusal> {
    Ok(wire::get(
        call,
        &path("/customer/{}", &[customer])?,
        &json!({}),
    ))
}

/// The saved cards of the answer that may be charged.
pub(super) fn methods_read(call: &Call<'_>, reply: Reply) -> Outcome {
    let methods = reply.and_then(|value| {
        let items = reply::items(&value, "/data/authorizations")?;
        let methods = items.iter().filter_map(object::method);
        Ok(methods.filter(|method: &Method| method.reusable).collect())
    });
    methods.map_or_else(
        |problem: Problem| problem.repeat(call),
        |methods| done(Object::Methods(methods)),
    )
}

/// The request that forgets a card.
pub(super) fn remove_request(call: &Call<'_>, method: &str) -> Request {
    let body: Value = json!({"authorization_code": method});
    wire::post(call, "/customer/authorization/deactivate", body)
}

/// A card that is gone already is as good as forgotten.
pub(super) fn remove_read(call: &Call<'_>, reply: Reply) -> Outcome {
    match reply {
        Ok(_) => done(Object::Gone),
        Err(problem) if matches!(problem.fault, Fault::Missing(_)) => done(Object::Gone),
        Err(problem) => problem.repeat(call),
    }
}

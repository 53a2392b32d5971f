//! Dodo's customers and their saved cards.

use serde_json::{Value, json};

use super::{object, wire};
use crate::call::Call;
use crate::form::path;
use crate::json::text;
use crate::object::Object;
use crate::operation::Person;
use crate::outcome::{Outcome, Refusal};
use crate::reply::{self, Fault, Problem, Reply, done};
use crate::request::Request;

/// The beginning of a token that is an on-demand subscription.
pub(super) const MANDATE: &str = "sub_";

/// The request that makes or finds a customer.
pub(super) fn request(call: &Call<'_>, person: &Person) -> Result<Request, Refusal> {
    if let Some(reference) = &person.reference {
        let path = path("/customers/{}", &[reference])?;
        return Ok(wire::get(call, &path, &Value::Null));
    }
    let email = person
        .email
        .as_deref()
        .ok_or_else(|| Refusal::incomplete("an e-mail address"))?;
    let name = person
        .name
        .as_deref()
        .ok_or_else(|| Refusal::incomplete("a name"))?;
    if call.step() == "find" {
        let query = json!({"email": email, "page_size": wire::PAGE, "page_number": 0});
        return Ok(wire::get(call, "/customers", &query));
    }
    let body = json!({
        "email": email,
        "name": name,
        "phone_number": person.phone,
        "metadata": person.marks().metadata(),
    });
    Ok(wire::post(call, "/customers", &body))
}

/// The customer of the answer.
pub(super) fn read(call: &Call<'_>, person: &Person, reply: Reply) -> Outcome {
    if call.step() == "find" {
        let ours = person.id.to_string();
        let is_ours = |item: &Value| text(item, "/metadata/owo_customer") == Some(&ours);
        let found = reply.and_then(|value| {
            let item = reply::search(&value, "/items", is_ours)?;
            Ok(item.and_then(object::customer))
        });
        return match found {
            Ok(Some(customer)) => done(Object::Customer(customer)),
            Ok(None) => Outcome::Next(call.progress.at("")),
            Err(problem) => problem.repeat(call),
        };
    }
    match reply {
        Ok(value) => object::customer(&value).map_or_else(
            || Problem::incomplete().look(call, "find"),
            |customer| done(Object::Customer(customer)),
        ),
        Err(problem) => problem.look(call, "find"),
    }
}

/// The request for the saved cards of a customer.
pub(super) fn methods_request(call: &Call<'_>, customer: &str) -> Result<Request, Refusal> {
    let path = path("/customers/{}/payment-methods", &[customer])?;
    Ok(wire::get(call, &path, &Value::Null))
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

/// The request that forgets a card, or ends the mandate that it is.
pub(super) fn remove_request(
    call: &Call<'_>,
    customer: &str,
    method: &str,
) -> Result<Request, Refusal> {
    if method.starts_with(MANDATE) {
        let path = path("/subscriptions/{}", &[method])?;
        return Ok(wire::patch(call, path, &json!({"status": "cancelled"})));
    }
    let path = path("/customers/{}/payment-methods/{}", &[customer, method])?;
    Ok(wire::delete(call, path))
}

/// A card that is gone already is as good as forgotten.
pub(super) fn remove_read(call: &Call<'_>, reply: Reply) -> Outcome {
    match reply {
        Ok(_) => done(Object::Gone),
        Err(problem) if matches!(problem.fault, Fault::Missing(_)) => done(Object::Gone),
        Err(problem) => problem.repeat(call),
    }
}

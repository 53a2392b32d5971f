//! Stripe's customers and their saved methods.

use serde_json::{Value, json};

use super::{object, wire};
use crate::call::Call;
use crate::form::path;
use crate::json::flag;
use crate::object::{Object, ObjectKind};
use crate::operation::Person;
use crate::outcome::{Outcome, Refusal};
use crate::reply::{self, Fault, Problem, Reply, done};
use crate::request::Request;

/// The request that makes a customer; a customer that is known is read.
pub(super) fn request(call: &Call<'_>, person: &Person) -> Result<Request, Refusal> {
    if let Some(reference) = &person.reference {
        let path = path("/v1/customers/{}", &[reference])?;
        return Ok(wire::get(call, &path, &Value::Null));
    }
    let body = json!({
        "email": person.email,
        "name": person.name,
        "phone": person.phone,
        "metadata": person.marks().metadata(),
    });
    Ok(wire::post(call, "/v1/customers", &body))
}

/// The customer of the answer.
pub(super) fn read(call: &Call<'_>, reply: Reply) -> Outcome {
    match reply {
        Ok(value) if flag(&value, "/deleted") => Problem::gone(ObjectKind::Customer).repeat(call),
        Ok(value) => object::customer(&value).map_or_else(
            || Problem::incomplete().repeat(call),
            |customer| done(Object::Customer(customer)),
        ),
        Err(problem) => wire::harmless(problem, call),
    }
}

/// The request for the saved methods of a customer.
pub(super) fn methods_request(call: &Call<'_>, customer: &str) -> Result<Request, Refusal> {
    let path = path("/v1/customers/{}/payment_methods", &[customer])?;
    Ok(wire::get(call, &path, &json!({"limit": 100})))
}

/// The saved methods of the answer.
pub(super) fn methods_read(call: &Call<'_>, reply: Reply) -> Outcome {
    let methods = reply.and_then(|value| {
        let items = reply::items(&value, "/data")?;
        Ok(items.iter().filter_map(object::method).collect())
    });
    methods.map_or_else(
        |problem: Problem| problem.repeat(call),
        |methods| done(Object::Methods(methods)),
    )
}

/// The request that forgets a method.
pub(super) fn remove_request(call: &Call<'_>, method: &str) -> Result<Request, Refusal> {
    let path = path("/v1/payment_methods/{}/detach", &[method])?;
    Ok(wire::post(call, path, &json!({})))
}

/// A method that is gone already is as good as forgotten.
pub(super) fn remove_read(call: &Call<'_>, reply: Reply) -> Outcome {
    match reply {
        Ok(_) => done(Object::Gone),
        Err(problem) if is_gone(&problem) => done(Object::Gone),
        Err(problem) => wire::harmless(problem, call),
    }
}

fn is_gone(problem: &Problem) -> bool {
    matches!(problem.fault, Fault::Missing(_))
        || problem.is("payment_method_unexpected_state")
        // A detached method answers with a plain refusal that says so.
        || (problem.fault == Fault::Invalid && problem.failure.message.contains("not attached"))
}

//! Answers of a parallel plan that cannot be shared: once per question (protocol 14).
//!
//! In a transaction that has changed something, or that counts in tables, each row of a scan would be
//! asked of the tables. What such a query sees does not change while it runs: its answers stand for as
//! long as the query, the role and the organization are the same. Nothing outlives them. All others
//! answer from what is known, like any call.

use crate::backend::owner;
use crate::backend::roles;
use crate::backend::transaction::{RunningQuery, is_parallel};
use crate::flow::check::Question;
use crate::flow::decided::Decided;
use crate::guc;
use owostack_domain::quantity::Quantity;
use pgrx::pg_sys;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// Answers kept for one query; beyond it starts anew.
const KEPT: usize = 20_000;

/// Who asks, and what the query sees.
struct Scene {
    query: RunningQuery,
    role: pg_sys::Oid,
    roles: u64,
    slug: String,
}

impl Scene {
    fn stands(&self) -> bool {
        self.role == owner::current_user()
            && self.roles == roles::generation()
            && guc::is_organization(&self.slug)
            && RunningQuery::now() == Some(self.query)
    }
}

/// Answers by customer, then by the rest of the question.
struct Memo {
    scene: Scene,
    count: usize,
    answers: HashMap<String, Vec<(Asked, Rc<Decided>)>>,
}

struct Asked {
    feature: String,
    entity: Option<String>,
    value: Quantity,
}

impl Asked {
    fn is(&self, question: &Question, value: Quantity) -> bool {
        self.value == value
            && question.feature == Some(self.feature.as_str())
            && question.entity == self.entity.as_deref()
    }
}

thread_local! {
    static MEMO: RefCell<Option<Memo>> = const { RefCell::new(None) };
}

/// The answer that the running parallel query has got already.
pub fn recall(question: &Question, value: Quantity) -> Option<Rc<Decided>> {
    if !is_parallel() {
        return None;
    }
    MEMO.with_borrow(|memo| {
        let memo = memo.as_ref().filter(|memo| memo.scene.stands())?;
        let answers = memo.answers.get(question.customer?)?;
        let (_, decided) = answers
            .iter()
            .find(|(asked, _)| asked.is(question, value))?;
        Some(Rc::clone(decided))
    })
}

/// Keeps an answer that `role` got, for the rest of the running parallel query.
pub fn remember(role: pg_sys::Oid, question: &Question, value: Quantity, decided: &Decided) {
    let (Some(customer), Some(feature)) = (question.customer, question.feature) else {
        return;
    };
    let Some(query) = RunningQuery::now().filter(|_| is_parallel()) else {
        return;
    };
    let scene = Scene {
        query,
        role,
        roles: roles::generation(),
        slug: guc::organization(),
    };
    MEMO.with_borrow_mut(|memo| {
        let fits = memo.as_ref().is_some_and(|memo| {
            memo.count < KEPT
                && memo.scene.query == scene.query
                && memo.scene.role == scene.role
                && memo.scene.roles == scene.roles
                && memo.scene.slug == scene.slug
        });
        if !fits {
            *memo = Some(Memo {
                scene,
                count: 0,
                answers: HashMap::new(),
            });
        }
        if let Some(memo) = memo {
            let asked = Asked {
                feature: feature.to_owned(),
                entity: question.entity.map(str::to_owned),
                value,
            };
            memo.count += 1;
            let answers = memo.answers.entry(customer.to_owned()).or_default();
            answers.push((asked, Rc::new(decided.clone())));
        }
    });
}

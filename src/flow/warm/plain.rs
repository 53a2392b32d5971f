//! An allowance that one meter counts and nothing else has a say in: most of what is asked.
//!
//! All that a check or a track of it needs, prepared: what answers look like and the row that records
//! a value, but for what differs from call to call.

use super::wording::{self, Worded};
use crate::backend::answer::Jsonb;
use crate::backend::clock::Tick;
use crate::backend::kept::Row;
use crate::db::pending::{Pending, PlainRow};
use crate::flow::decided::Lasting;
use crate::meter::{self, Used};
use owostack_domain::decision::{self, Code};
use owostack_domain::entitlement::{Entitlement, FeatureType, GrantState};
use owostack_domain::meter_key::MeterPeriod;
use owostack_domain::quantity::Quantity;
use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

/// Columns of `owo_decision`.
pub const COLUMNS: usize = 11;

/// Values whose `details` are kept.
const VALUES: usize = 8;

/// What is said after recording a value.
#[derive(Debug, Clone)]
pub struct Recorded {
    worded: Worded,
    /// What is stored of it under a key: [`Lasting`] as JSON text.
    lasting: Rc<OnceCell<Rc<str>>>,
}

/// One meter with a limit; nothing else has a say.
#[derive(Debug)]
pub struct Plain {
    pub place: MeterPeriod,
    /// Where shared memory last had it.
    pub slot: Cell<u32>,
    /// None: unlimited.
    pub limit: Option<Quantity>,
    pub resets_at: Option<Tick>,
    pub reset_interval: Option<String>,
    /// Whether somebody used it before.
    came_before: Cell<bool>,
    /// A row of it as the table takes it, with nothing drawn yet.
    prepared: OnceCell<Option<PlainRow>>,
    /// What a granted answer looks like, but for code, usage, balance and details.
    pub answer: OnceCell<Option<Row<COLUMNS>>>,
    /// What `details` says when the allowance covers the value.
    granted: OnceCell<Option<Rc<Jsonb>>>,
    /// The same after recording a value, for values recorded lately.
    recorded: RefCell<Vec<(Quantity, Recorded)>>,
}

impl Plain {
    /// The plain allowance that an entitlement is, if it is one.
    pub fn of(entitlement: &Entitlement) -> Option<Self> {
        let [source] = entitlement.sources.as_slice() else {
            return None;
        };
        let [place] = source.counted.as_slice() else {
            return None;
        };
        let plain = entitlement.feature_type == FeatureType::Metered
            && entitlement.grant == GrantState::Granted
            && entitlement.credit.is_none()
            && source.is_allowance()
            && !source.in_credits()
            && !source.closed
            && source.ceiling.is_none();
        if !plain {
            return None;
        }
        Some(Self {
            place: *place,
            slot: Cell::new(0),
            limit: source.limit,
            resets_at: entitlement
                .resets_at
                .map(crate::backend::clock::to_postgres),
            reset_interval: entitlement.reset_interval.clone(),
            came_before: Cell::new(false),
            prepared: OnceCell::new(),
            answer: OnceCell::new(),
            granted: OnceCell::new(),
            recorded: RefCell::new(Vec::new()),
        })
    }

    /// What is left if the value is covered; an outer None where it is not.
    pub fn balance(&self, used: Quantity, value: Quantity) -> Option<Option<Quantity>> {
        match self.limit {
            None => Some(None),
            Some(limit) => {
                let balance = limit.checked_sub(used)?;
                (balance >= value && !balance.is_negative()).then_some(Some(balance))
            }
        }
    }

    /// Whether it was asked for before: most customers of many are gone before they come again, and
    /// for them nothing is worth preparing.
    pub fn comes_again(&self) -> bool {
        self.came_before.replace(true)
    }

    /// The row that records a value of it, as the table takes it.
    pub fn prepared(&self, entitlement: &Entitlement) -> Option<&PlainRow> {
        let make = || PlainRow::new(&self.row(entitlement)?);
        self.prepared.get_or_init(make).as_ref()
    }

    /// A row of it, with nothing drawn yet.
    pub fn row(&self, entitlement: &Entitlement) -> Option<Pending> {
        let source = entitlement.sources.first()?;
        Some(Pending {
            feature_id: entitlement.feature_id,
            kind: source.kind.as_str(),
            ..meter::blank(&source.meter, self.place.meter_id, &source.period)
        })
    }

    /// `details` of a granted check.
    pub fn granted_details(&self, entitlement: &Entitlement) -> Option<Rc<Jsonb>> {
        let make = || {
            let code = Code::AccessGranted;
            let decision = decision::state(entitlement, &Used::new(), code, Quantity::ONE);
            Jsonb::new(&decision.details).map(Rc::new)
        };
        self.granted.get_or_init(make).clone()
    }

    /// `details` after recording `value`; None where the allowance cannot cover it.
    pub fn recorded_details(&self, entitlement: &Entitlement, value: Quantity) -> Option<Recorded> {
        if self.limit.is_some_and(|limit| value >= limit) {
            return None;
        }
        let known = |kept: &Vec<(Quantity, Recorded)>| {
            let hit = kept.iter().find(|(of, _)| *of == value);
            hit.map(|(_, details)| details.clone())
        };
        if let Some(details) = known(&self.recorded.borrow()) {
            return Some(details);
        }
        let details = Recorded {
            worded: wording::recorded(entitlement, value)?,
            lasting: Rc::default(),
        };
        let mut kept = self.recorded.borrow_mut();
        if kept.len() >= VALUES {
            kept.remove(0);
        }
        kept.push((value, details.clone()));
        Some(details)
    }
}

impl Recorded {
    /// As a column takes it.
    pub fn row(&self) -> Rc<Jsonb> {
        Rc::clone(&self.worded.row)
    }

    /// What is the same in each answer to this value, as JSON text.
    pub fn lasting(&self, known: &Entitlement, limit: Option<Quantity>) -> &Rc<str> {
        self.lasting.get_or_init(|| {
            let lasting = Lasting {
                allowed: true,
                usage_limit: limit,
                overage: Quantity::ZERO,
                resets_at: known.resets_at,
                reset_interval: known.reset_interval.as_deref(),
                details: &self.worded.document,
            };
            serde_json::to_string(&lasting).unwrap_or_default().into()
        })
    }
}

//! Searches a model, tells how large it was, and says which properties it broke.

use stateright::{Checker, HasDiscoveries, Model, Property};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::hash::Hash;
use std::io::Write;

/// What a search found.
pub struct Found {
    /// How the properties that are broken were broken, and how those that ask for an example were met.
    discovered: BTreeMap<&'static str, String>,
    known: Vec<&'static str>,
    /// States that differ.
    pub states: usize,
}

/// Searches every state.
pub fn all<M>(name: &str, model: M) -> Found
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Debug + Hash + PartialEq + Send + Sync + 'static,
    M::Action: Clone + Debug + PartialEq,
{
    run(name, model, HasDiscoveries::All)
}

/// Searches, short histories first, until a property is broken.
pub fn until<M>(name: &str, model: M, property: &'static str) -> Found
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Debug + Hash + PartialEq + Send + Sync + 'static,
    M::Action: Clone + Debug + PartialEq,
{
    run(name, model, HasDiscoveries::AnyOf([property].into()))
}

fn run<M>(name: &str, model: M, finish: HasDiscoveries) -> Found
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Debug + Hash + PartialEq + Send + Sync + 'static,
    M::Action: Clone + Debug + PartialEq,
{
    let known: Vec<Property<M>> = model.properties();
    let known = known.iter().map(|property| property.name).collect();
    let checker = model
        .checker()
        .threads(1)
        .finish_when(finish)
        .spawn_bfs()
        .join();
    let discovered = checker.discoveries().into_iter().map(|(property, path)| {
        let last = format!("{:#?}", path.last_state());
        let steps: Vec<String> = path
            .into_actions()
            .iter()
            .map(|action| format!("{action:?}"))
            .collect();
        (property, format!("{}\n{last}", steps.join("\n")))
    });
    let found = Found {
        discovered: discovered.collect(),
        known,
        states: checker.unique_state_count(),
    };
    // Past what the test harness captures: how much was searched is part of the result.
    let line = format!(
        "{name}: {} states, at most {} steps deep",
        found.states,
        checker.max_depth()
    );
    let _ = writeln!(std::io::stderr(), "{line}");
    found
}

impl Found {
    fn discovery(&self, property: &str) -> Option<&String> {
        assert!(self.known.contains(&property), "no property \"{property}\"");
        self.discovered.get(property)
    }

    /// Fails with the history that breaks the property, if there is one.
    pub fn holds(&self, property: &str) {
        if let Some(history) = self.discovery(property) {
            panic!("\"{property}\" is broken by\n{history}");
        }
    }

    /// Fails unless the property was broken, or its example met; shows how.
    pub fn shows(&self, property: &str) {
        let Some(history) = self.discovery(property) else {
            panic!("{} states, and none shows \"{property}\"", self.states);
        };
        println!("\"{property}\":\n{history}");
    }
}

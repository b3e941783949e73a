//! What was seen while a policy was followed. A place is remarked on only if every way that leads to it agrees.

use std::collections::{BTreeMap, BTreeSet};

use super::rule::RuleId;

/// A place in one of the modules that were followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Which module.
    pub(super) unit: usize,
    /// The line.
    pub(super) line: u32,
    /// The column.
    pub(super) column: u32,
}

/// A container list read by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ListRead {
    /// Which.
    pub(super) list: String,
    /// Where.
    pub(super) place: Place,
    /// How it was written.
    pub(super) shown: String,
}

/// What is wrong at a place, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    /// What is wrong.
    pub(super) message: String,
    /// What to do.
    pub(super) fix: String,
}

/// Everything seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// At each place the remark of each rule; nothing if some way showed that it does not hold.
    sightings: BTreeMap<(Place, RuleId), Option<Wrong>>,
    /// The parameters read by name.
    pub(super) parameters: BTreeSet<String>,
    /// Whether it must be assumed that every parameter is read.
    pub(super) reads_all_parameters: bool,
    /// Whether `input.containers` is read.
    pub(super) reads_containers: bool,
    /// Container lists read by hand.
    pub(super) lists: Vec<ListRead>,
    /// Whether it was too much to follow, so that nothing may be said of it.
    pub(super) gave_up: bool,
}

impl Seen {
    /// A way shows something wrong at a place.
    pub(super) fn against(&mut self, place: Place, rule: RuleId, message: String, fix: String) {
        self.sightings.entry((place, rule)).or_insert(Some(Wrong { message, fix }));
    }

    /// A way shows that nothing is wrong at a place.
    pub(super) fn fine(&mut self, place: Place, rule: RuleId) {
        self.sightings.insert((place, rule), None);
    }

    /// What was found at each place; nothing where a way shows that it is fine.
    pub(super) fn sightings(&self) -> impl Iterator<Item = (Place, RuleId, Option<&Wrong>)> {
        let told = self.sightings.iter().filter(|_| !self.gave_up);
        told.map(|((place, rule), wrong)| (*place, *rule, wrong.as_ref()))
    }
}

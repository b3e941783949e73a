//! The example review, and others that differ from it in one thing.

use serde_json::Value;

/// A Pod that the shipped policies deny.
pub(crate) const EXAMPLE: &str = include_str!("../../examples/review.json");

/// The example after `change`.
pub(crate) fn review(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut review = serde_json::from_str(EXAMPLE).unwrap();
    change(&mut review);
    review.to_string().into_bytes()
}

/// The example with a name of its own, which is its uid as well.
pub(crate) fn named(name: &str) -> Vec<u8> {
    review(|review| {
        review["request"]["uid"] = name.into();
        review["request"]["name"] = name.into();
        review["request"]["object"]["metadata"]["name"] = name.into();
    })
}

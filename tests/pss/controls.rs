//! No control of the standards is without its policy, and no policy claims one that there is not.

use std::collections::BTreeSet;

use super::pack::Pack;
use super::upstream::{checks, program};

#[test]
fn every_control_of_the_standards_has_one_policy() {
    let Some(program) = program() else { return };
    let upstream: BTreeSet<String> = checks(&program).into_iter().map(|check| check.control).collect();
    let claimed = Pack::load().of_the_standards();
    let ours: BTreeSet<String> = claimed.keys().cloned().collect();
    assert_eq!(ours, upstream, "ours, and the controls of the API server's admission plugin");
    let shared: Vec<_> = claimed.iter().filter(|(_, policies)| policies.len() != 1).collect();
    assert!(shared.is_empty(), "these controls have more than one policy: {shared:?}");
}

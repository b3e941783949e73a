//! Every control judges every generated Pod as the API server's own check does, in every version.

use std::collections::BTreeMap;
use std::ffi::OsString;

use serde_json::Value;

use super::pack::{Judges, Pack, Question, Said};
use super::run::Run;
use super::shrink::shrink;
use super::upstream::{Check, Upstream, program};
use super::version::Version;

/// Enough that the rarest edge of a field is in dozens of them; 20 000 and some that nobody can decode.
const PODS: u64 = 21_500;

/// Of a thousand Pods, each rule refuses and allows at least so many: otherwise the comparison would show little.
const BOTH_WAYS: u64 = 30;

/// A check and our policy of it.
struct Pair {
    check: Check,
    policy: String,
}

/// Policies at a version.
type AtVersion = (Version, Judges);

/// Our policies at the versions that matter.
struct Ours {
    pairs: Vec<Pair>,
    /// At each version with rules of its own, the policies whose rules they are: by these every Pod is judged.
    distinct: Vec<AtVersion>,
    /// The policies whose rules change, at all versions: of these each Pod gets one, in turn.
    in_turn: Vec<AtVersion>,
}

/// A Pod on which a check and its policy differ.
struct Difference {
    version: Version,
    number: u64,
    pod: Value,
}

/// How many Pods a check allowed and refused.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    allowed: u64,
    refused: u64,
}

/// What a thread found.
#[derive(Default)]
struct Found {
    /// The first difference of each policy.
    differences: BTreeMap<String, Difference>,
    /// For each check, by its id, and each version with rules of its own.
    counts: BTreeMap<(String, Version), Count>,
}

#[test]
fn every_control_judges_as_the_api_server_does() {
    let Some(program) = program() else { return };
    let ours = Ours::load(&Pack::load(), &Upstream::start(&program).checks);
    let run = Run::of(PODS);
    let (mut differences, mut counts) = (BTreeMap::new(), BTreeMap::<_, Count>::new());
    for part in run.share(|pods| ours.compare(&program, pods)) {
        differences.extend(part.differences);
        for (key, count) in part.counts {
            let sum = counts.entry(key).or_default();
            *sum = Count { allowed: sum.allowed + count.allowed, refused: sum.refused + count.refused };
        }
    }
    let told = differences.iter().map(|(policy, difference)| ours.tell(&program, policy, difference));
    let told: Vec<String> = told.collect();
    assert!(told.is_empty(), "seed {}:\n{}", run.seed, told.join("\n"));
    check_both_ways(run, &counts);
}

/// That the Pods have put each rule to the test. Below its first version a check allows everything.
fn check_both_ways(run: Run, counts: &BTreeMap<(String, Version), Count>) {
    let least = run.pods * BOTH_WAYS / 1_000;
    let is_one_sided = |id: &str, version: Version, count: Count| {
        let is_before_all_rules = version == Version::Minor(0) && count.refused == 0;
        let has_rules_later = counts[&(id.to_owned(), Version::Latest)].refused > 0;
        !(is_before_all_rules && has_rules_later) && count.allowed.min(count.refused) < least
    };
    let one_sided = counts.iter().filter(|((id, version), count)| is_one_sided(id, *version, **count));
    let one_sided: Vec<_> = one_sided.collect();
    assert!(one_sided.is_empty(), "the generated Pods say little of these: {one_sided:?}");
}

impl Ours {
    fn load(pack: &Pack, checks: &[Check]) -> Self {
        let policies = pack.of_the_standards();
        let pair = |check: &Check| Pair { check: check.clone(), policy: policies[&check.control][0].clone() };
        let pairs: Vec<Pair> = checks.iter().map(pair).collect();
        let mut distinct: BTreeMap<Version, Vec<&str>> = BTreeMap::new();
        for pair in &pairs {
            for version in pair.check.distinct_versions() {
                distinct.entry(version).or_default().push(&pair.policy);
            }
        }
        let at = |version: Version, names: &[&str]| (version, pack.at(version, names));
        // The first version shows as well as any other that the rest do not look at it.
        let in_turn = |version: Version| {
            let changes = |pair: &&Pair| pair.check.changes.len() > 2 || version == Version::Minor(0);
            let names: Vec<&str> = pairs.iter().filter(changes).map(|pair| pair.policy.as_str()).collect();
            at(version, &names)
        };
        let in_turn = all_versions(checks).into_iter().map(in_turn).collect();
        let distinct = distinct.into_iter().map(|(version, names)| at(version, &names)).collect();
        Self { pairs, distinct, in_turn }
    }

    fn compare(&self, program: &OsString, pods: &mut dyn Iterator<Item = (u64, Value)>) -> Found {
        let mut upstream = Upstream::start(program);
        let mut found = Found::default();
        for (number, pod) in pods {
            let text = pod.to_string();
            let theirs = upstream.judge(&text);
            let question = Question::about(&text);
            let turn = &self.in_turn[usize::try_from(number).unwrap() % self.in_turn.len()];
            let distinct = self.distinct.iter().map(|at_version| (at_version, true));
            for ((version, judges), is_counted) in distinct.chain([(turn, false)]) {
                let said = judges.judge(&question);
                for Pair { check, policy } in &self.pairs {
                    let Some(ours) = said.get(policy) else { continue };
                    let allowed = theirs.allows(check, *version);
                    if let (Ok(allowed), true) = (allowed, is_counted) {
                        let count = found.counts.entry((check.id.clone(), *version)).or_default();
                        *(if allowed { &mut count.allowed } else { &mut count.refused }) += 1;
                    }
                    if differ(ours, allowed) && !found.differences.contains_key(policy) {
                        let difference = Difference { version: *version, number, pod: pod.clone() };
                        found.differences.insert(policy.clone(), difference);
                    }
                }
            }
        }
        found
    }

    /// A difference as one needs it to find it in the policy: its smallest Pod and both verdicts.
    fn tell(&self, program: &OsString, policy: &str, difference: &Difference) -> String {
        let Difference { version, number, pod } = difference;
        let check = &self.pairs.iter().find(|pair| pair.policy == policy).unwrap().check;
        let judges = Pack::load().at(*version, &[policy]);
        let mut upstream = Upstream::start(program);
        let mut verdicts = |pod: &Value| {
            let text = pod.to_string();
            let ours = judges.judge(&Question::about(&text)).remove(policy).unwrap();
            (ours, upstream.judge(&text).allows(check, *version).map_err(str::to_owned))
        };
        let is_decoded = verdicts(pod).1.is_ok();
        let smallest = shrink(pod, |pod| {
            let (ours, theirs) = verdicts(pod);
            is_decoded == theirs.is_ok() && differ(&ours, theirs.as_ref().copied().map_err(String::as_str))
        });
        let (ours, theirs) = verdicts(&smallest);
        let theirs = match theirs {
            Ok(true) => "allows",
            Ok(false) => "refuses",
            Err(_) => "cannot decode",
        };
        let control = &check.control;
        format!("{control} in {version} {theirs} this Pod, and {policy} says {ours:?} (from Pod {number}): {smallest}")
    }
}

/// Whether a policy says something else than a check. What the API server cannot decode it never asks about; in a
/// manifest it comes, and then no policy may break but for what the host itself refuses.
fn differ(ours: &Said, allowed: Result<bool, &str>) -> bool {
    match (ours, allowed) {
        (Ok(said), Ok(allowed)) => said.is_empty() != allowed,
        (Ok(_), Err(_)) => false,
        (Err(_), Ok(_)) => true,
        (Err(why), Err(_)) => !why.starts_with("the object is malformed"),
    }
}

impl Check {
    /// One version for each of its sets of rules; the latest for the last, because that is what most ask for.
    fn distinct_versions(&self) -> impl Iterator<Item = Version> {
        let replaced = self.changes.iter().rev().nth(1).copied();
        self.changes.iter().copied().filter(move |version| Some(*version) != replaced)
    }
}

/// From the first to two that have no rules of their own yet, and the latest.
fn all_versions(checks: &[Check]) -> Vec<Version> {
    let minor = |version: &Version| match version {
        Version::Minor(minor) => Some(*minor),
        Version::Latest => None,
    };
    let newest = checks.iter().flat_map(|check| &check.changes).filter_map(minor).max().unwrap();
    (0..=newest + 2).map(Version::Minor).chain([Version::Latest]).collect()
}

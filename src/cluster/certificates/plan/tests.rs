//! Tables of what is due when, and a world that lives for thirty years by the plan.

use super::super::held;
use super::super::trust::Hook;
use super::*;
use crate::certificate::issue::{Issued, authority, serving};
use crate::certificate::read::{read_all, write_all};
use crate::certificate::{PrivateKey, service_names};

const DAY: Duration = Duration::from_hours(24);
const LONG: Duration = Duration::from_hours(1);

fn start() -> Timestamp {
    "2026-11-21T10:00:00Z".parse().unwrap()
}

fn on_day(day: u32) -> Timestamp {
    start() + DAY * day
}

fn terms() -> Terms {
    Terms { names: service_names("portcullis", "platform"), authority: DAY * 3650, serving: DAY * 365 }
}

fn found(at: Timestamp) -> Issued {
    authority(at, terms().authority).unwrap()
}

fn certificate(issued: &Issued) -> Certificate {
    read_all(issued.certificate.as_bytes()).unwrap().remove(0)
}

/// A Secret founded and filled on a day.
fn held_on(at: Timestamp) -> Held {
    issue(&Held::default().founded(found(at), Vec::new(), at), at)
}

fn issue(held: &Held, at: Timestamp) -> Held {
    let (authority, key) = held.signer(at).unwrap();
    held.issued(&serving(authority, key, &terms().names, at, terms().serving).unwrap())
}

fn trusting(bundles: &[&[Certificate]]) -> Trusted {
    let hooks = bundles.iter().map(|bundle| Hook { name: "hook".to_owned(), bundle: write_all(*bundle).into_bytes() });
    Trusted::read(hooks.collect::<Vec<_>>().iter())
}

#[track_caller]
fn check(at: Timestamp, held: &Held, trusted: &Trusted, trusted_for: Duration, served: Served, expected: &str) {
    let seen = Seen { held, trusted, trusted_for, served };
    let action = plan(at, &seen, &terms());
    let shown = match &action {
        Action::Found(keep) => format!("found, keeping {}", keep.len()),
        Action::Wait(until) => format!("wait {} s", until.duration_since(at).as_secs()),
        other => format!("{other:?}").to_lowercase(),
    };
    assert_eq!(shown, expected);
}

#[test]
fn a_first_installation_makes_an_authority_then_a_certificate_then_trust() {
    let empty = Held::default();
    let authority_only = empty.founded(found(start()), Vec::new(), start());
    let complete = held_on(start());
    for (trusted, then) in [(trusting(&[]), "wait"), (trusting(&[&[], &[]]), "trust")] {
        check(start(), &empty, &trusted, LONG, Served::Unknown, "found, keeping 0");
        check(start(), &authority_only, &trusted, Duration::ZERO, Served::Unknown, "issue");
        let seen = Seen { held: &complete, trusted: &trusted, trusted_for: LONG, served: Served::Unknown };
        let action = format!("{:?}", plan(start(), &seen, &terms())).to_lowercase();
        assert!(action.starts_with(then), "{action}");
    }
}

#[test]
fn at_rest_nothing_is_due_until_two_thirds_of_a_life() {
    let held = held_on(start());
    let trusted = trusting(&[&held.authorities, &held.authorities]);
    let due = held.leaf.as_ref().unwrap().certificate.due();
    let left = due.duration_since(start()).as_secs();
    assert!((242..244).contains(&(left / 86_400)), "{left}");
    check(start(), &held, &trusted, Duration::ZERO, Served::Unknown, &format!("wait {left} s"));
    check(due - Duration::from_secs(1), &held, &trusted, LONG, Served::Otherwise, "wait 1 s");
    check(due, &held, &trusted, LONG, Served::Otherwise, "issue");
    check(due, &held, &trusted, Duration::ZERO, Served::Otherwise, "wait 10 s");
}

#[test]
fn an_authority_is_replaced_step_by_step() {
    let day = on_day(2440);
    let old = issue(&held_on(start()), on_day(2200));
    let trusted_old = trusting(&[&old.authorities]);
    check(day, &old, &trusted_old, LONG, Served::Unknown, "found, keeping 1");

    let both = old.founded(found(day), old.authorities.clone(), day);
    assert_eq!(both.leaf, old.leaf, "the old authority's certificate is served on");
    check(day, &both, &trusted_old, LONG, Served::Unknown, "trust");
    let one_of_two = trusting(&[&both.authorities, &old.authorities]);
    check(day, &both, &one_of_two, LONG, Served::Unknown, "trust");
    let trusted_both = trusting(&[&both.authorities, &both.authorities]);
    check(day, &both, &trusted_both, Duration::ZERO, Served::Unknown, "wait 10 s");
    check(day, &both, &trusted_both, LONG, Served::Unknown, "issue");

    let issued = issue(&both, day);
    for served in [Served::Unknown, Served::Otherwise, Served::Everywhere(Duration::ZERO)] {
        check(day, &issued, &trusted_both, LONG, served, "probe");
    }
    check(day, &issued, &trusted_both, LONG, Served::Everywhere(LONG), "retire");

    let retired = issued.retired();
    check(day, &retired, &trusted_both, LONG, Served::Unknown, "trust");
    let left = retired.leaf.as_ref().unwrap().certificate.due().duration_since(day).as_secs();
    let trusted_new = trusting(&[&retired.authorities]);
    check(day, &retired, &trusted_new, Duration::ZERO, Served::Unknown, &format!("wait {left} s"));
}

#[test]
fn a_broken_secret_is_made_anew_without_distrusting_what_is_served() {
    let good = held_on(start());
    let trusted = trusting(&[&good.authorities]);
    let mut broken: Vec<(&str, held::Data)> = vec![("gone", held::Data::new())];
    for (name, key, text) in [
        ("no authority", "ca.crt", ""),
        ("garbage for an authority", "ca.crt", "\u{0}\u{1}garbage"),
        ("a cut off authority", "ca.crt", "-----BEGIN CERTIFICATE-----\nMIIB"),
        ("no key", "ca.key", ""),
        ("another's key", "ca.key", held_on(start()).authority_key.as_ref().map_or("", PrivateKey::pem)),
    ] {
        let mut data = good.write();
        data.insert(key.to_owned(), text.as_bytes().to_vec());
        broken.push((name, data));
    }
    for (name, data) in broken {
        let held = Held::read(&data);
        let seen = Seen { held: &held, trusted: &trusted, trusted_for: LONG, served: Served::Unknown };
        assert_eq!(plan(start(), &seen, &terms()), Action::Found(good.authorities.clone()), "{name}");
        let founded = held.founded(found(start()), good.authorities.clone(), start());
        check(start(), &founded, &trusted, LONG, Served::Unknown, "trust");
    }
}

#[test]
fn a_broken_certificate_is_made_anew_by_the_same_authority() {
    let good = held_on(start());
    let trusted = trusting(&[&good.authorities]);
    let other = held_on(start());
    for (name, key, text) in [
        ("none", "tls.crt", String::new()),
        ("garbage", "tls.crt", "garbage".to_owned()),
        ("no key", "tls.key", String::new()),
        ("another's key", "tls.key", other.leaf.as_ref().unwrap().key.pem().to_owned()),
        ("the authority itself", "tls.crt", good.authorities[0].pem()),
    ] {
        let mut data = good.write();
        data.insert(key.to_owned(), text.into_bytes());
        let held = Held::read(&data);
        let seen = Seen { held: &held, trusted: &trusted, trusted_for: LONG, served: Served::Unknown };
        assert_eq!(plan(start(), &seen, &terms()), Action::Issue, "{name}");
    }
    // A pair of its own, which nobody here signed.
    let stranger = Held { leaf: other.leaf, ..good.clone() };
    check(start(), &stranger, &trusted, LONG, Served::Unknown, "issue");
    // The Service was renamed.
    let renamed = Terms { names: service_names("other", "platform"), ..terms() };
    let seen = Seen { held: &good, trusted: &trusted, trusted_for: LONG, served: Served::Unknown };
    assert_eq!(plan(start(), &seen, &renamed), Action::Issue);
}

#[test]
fn expired_and_future_certificates_are_replaced() {
    let old = held_on(start());
    let trusted = trusting(&[&old.authorities]);
    check(on_day(366), &old, &trusted, LONG, Served::Unknown, "issue");
    // Nobody need trust whom nobody can trust.
    check(on_day(4000), &old, &trusted, LONG, Served::Unknown, "found, keeping 0");
    // Made by a replica whose clock was two days ahead; trusted on, for the day it becomes valid.
    let ahead = held_on(on_day(2));
    check(start(), &ahead, &trusting(&[&ahead.authorities]), LONG, Served::Unknown, "found, keeping 1");
    // Half an hour ahead is what the hour before the beginning is for.
    let little = held_on(start() + Duration::from_mins(30));
    let action = plan(
        start(),
        &Seen { held: &little, trusted: &trusting(&[&little.authorities]), trusted_for: LONG, served: Served::Unknown },
        &terms(),
    );
    assert!(matches!(action, Action::Wait(_)), "{action:?}");
}

#[test]
fn strangers_in_a_bundle_are_removed_and_many_are_not_collected() {
    let held = held_on(start());
    let strangers: Vec<Certificate> = (0..9).map(|day| certificate(&found(on_day(day)))).collect();
    let crowd: Vec<Certificate> = held.authorities.iter().chain(&strangers).cloned().collect();
    check(start(), &held, &trusting(&[&crowd]), LONG, Served::Unknown, "trust");
    check(on_day(9), &Held::default(), &trusting(&[&crowd]), LONG, Served::Unknown, "found, keeping 4");
}

#[test]
fn short_lives_settle_sooner() {
    let short = Terms { authority: Duration::from_mins(1), serving: Duration::from_secs(20), ..terms() };
    assert_eq!((terms().settle(), short.settle()), (Duration::from_secs(10), Duration::from_secs(1)));
}

/// What is in force where, with everyone a step behind the one before.
struct World {
    now: Timestamp,
    held: Held,
    /// The configurations as written, and since when; and as the API servers know them.
    written: Vec<Vec<Certificate>>,
    written_at: Timestamp,
    known: Vec<Vec<Certificate>>,
    /// What each replica shows.
    shown: Vec<Option<Certificate>>,
    shown_since: Option<Timestamp>,
    writes: u32,
}

impl World {
    fn new() -> Self {
        Self {
            now: start(),
            held: Held::default(),
            written: vec![Vec::new(); 2],
            written_at: start(),
            known: vec![Vec::new(); 2],
            shown: vec![None; 3],
            shown_since: None,
            writes: 0,
        }
    }

    /// Whoever calls a replica believes it, once there was a certificate at all.
    #[track_caller]
    fn everybody_is_believed(&self, when: &str) {
        for bundle in self.known.iter().filter(|bundle| !bundle.is_empty()) {
            for leaf in self.shown.iter().flatten() {
                let refused = leaf.refused(&[], bundle, "portcullis.platform.svc", self.now);
                assert_eq!(refused, Ok(()), "{when}, at {}", self.now);
            }
        }
    }

    /// One look and what follows from it; the time until which there is nothing to do, if there is nothing.
    fn step(&mut self) -> Option<Timestamp> {
        let written: Vec<&[Certificate]> = self.written.iter().map(Vec::as_slice).collect();
        let trusted = trusting(&written);
        let since = |at: Timestamp| Duration::try_from(self.now.duration_since(at)).unwrap();
        let served = self.shown_since.map_or(Served::Unknown, |at| Served::Everywhere(since(at)));
        let seen = Seen { held: &self.held, trusted: &trusted, trusted_for: since(self.written_at), served };
        match plan(self.now, &seen, &terms()) {
            Action::Found(keep) => self.write(&self.held.founded(found(self.now), keep, self.now)),
            Action::Issue => self.write(&issue(&self.held, self.now)),
            Action::Retire => self.write(&self.held.retired()),
            Action::Trust => {
                self.written = vec![self.held.authorities.clone(); 2];
                self.written_at = self.now;
                self.writes += 1;
            }
            Action::Probe => {
                let leaf = self.held.leaf.as_ref().map(|leaf| &leaf.certificate);
                let all = self.shown.iter().all(|shown| shown.as_ref() == leaf);
                self.shown_since = if all { self.shown_since.or(Some(self.now)) } else { None };
            }
            Action::Wait(until) => return Some(until),
        }
        None
    }

    /// Whether somebody has not heard of the last change yet.
    fn is_behind(&self) -> bool {
        let leaf = self.held.leaf.as_ref().map(|leaf| &leaf.certificate);
        self.known != self.written || self.shown.iter().any(|shown| shown.as_ref() != leaf)
    }

    fn write(&mut self, held: &Held) {
        self.held = Held::read(&held.write());
        self.shown_since = None;
        self.writes += 1;
    }

    /// A second passes, in which one of those who are behind catches up.
    fn tick(&mut self) {
        self.now += Duration::from_secs(1);
        if let Some(behind) = (0..2).find(|&hook| self.known[hook] != self.written[hook]) {
            self.known[behind] = self.written[behind].clone();
            return;
        }
        let leaf = self.held.leaf.as_ref().map(|leaf| leaf.certificate.clone());
        if let Some(behind) = self.shown.iter_mut().find(|shown| leaf.is_some() && **shown != leaf) {
            *behind = leaf;
        }
    }
}

#[test]
fn for_thirty_years_every_replica_is_believed_by_every_api_server() {
    let mut world = World::new();
    let end = on_day(30 * 365);
    let mut authorities = std::collections::BTreeSet::new();
    while world.now < end {
        match world.step() {
            Some(until) if !world.is_behind() => world.now = until,
            Some(_) | None => world.tick(),
        }
        world.everybody_is_believed("some day");
        authorities.extend(world.held.authorities.iter().map(Certificate::fingerprint));
    }
    assert!((4..=6).contains(&authorities.len()), "{} authorities", authorities.len());
    // Some forty certificates, and four writes for each authority.
    assert!(world.writes < 100, "{} writes", world.writes);
}

#[test]
fn a_secret_deleted_at_any_moment_costs_nobody_their_trust() {
    for steps in (0..40).step_by(2) {
        let mut world = World::new();
        while world.step().is_none() || world.is_behind() {
            world.tick();
        }
        // The authority is due, and its last certificate is not: before, in and after the replacement.
        world.write(&issue(&world.held, on_day(2200)));
        while world.is_behind() {
            world.tick();
        }
        world.now = on_day(2440);
        for _ in 0..steps {
            world.step();
            world.tick();
            world.everybody_is_believed("before the deletion");
        }
        world.held = Held::default();
        world.shown_since = None;
        for _ in 0..60 {
            world.step();
            world.tick();
            world.everybody_is_believed(&format!("deleted after {steps} steps"));
        }
        assert_eq!(world.held.authorities.len(), 1, "deleted after {steps} steps");
    }
}

//! What to do next about the certificates, decided from what is seen and the time, and nothing else.
//!
//! An authority is replaced in steps that never leave anybody with a certificate that is not believed
//! (each is one write, and the next follows from what is then seen, whoever looks):
//!
//! 1. **Found** a new authority: it stands in the Secret before the old one, which still signed what is served.
//! 2. **Trust** both: every webhook's `caBundle` holds the new and the old one.
//! 3. **Issue** a serving certificate by the new one, once API servers have had time to see 2.
//! 4. **Probe** the replicas until each of them shows it.
//! 5. **Retire** the old one, and **trust** the new one only.
//!
//! A serving certificate that is due under a young authority needs step 3 only.

use std::time::Duration;

use jiff::Timestamp;

use super::held::Held;
use super::trust::Trusted;
use crate::certificate::read::Certificate;

/// At most so many old authorities are kept beside a new one.
const KEPT: usize = 4;

/// How long certificates live, and how long others take to notice a change.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The names that the serving certificate is for.
    pub names: Vec<String>,
    /// The life of an authority.
    pub authority: Duration,
    /// The life of a serving certificate.
    pub serving: Duration,
}

/// How long a change of a webhook configuration may take to reach every API server, and a change of the Secret every
/// replica. Both watch, so that it is less than a second unless they are in trouble.
const SETTLE: Duration = Duration::from_secs(10);

impl Terms {
    /// How long to let a change sink in; less for lives so short that only tests have them.
    pub fn settle(&self) -> Duration {
        SETTLE.min(self.serving.min(self.authority) / 20)
    }
}

/// What the replicas show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Served {
    /// Nobody asked them yet.
    Unknown,
    /// Some show another certificate than the Secret's, or nothing.
    Otherwise,
    /// All have shown the Secret's for so long.
    Everywhere(Duration),
}

/// What is seen.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The Secret.
    pub held: &'a Held,
    /// The webhook configurations.
    pub trusted: &'a Trusted,
    /// For how long these have trusted exactly the Secret's authorities, as far as this process has seen.
    pub trusted_for: Duration,
    /// The replicas.
    pub served: Served,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Make an authority, and go on trusting these.
    Found(Vec<Certificate>),
    /// Write the Secret's authorities into the webhook configurations.
    Trust,
    /// Make a serving certificate.
    Issue,
    /// Ask every replica what it shows.
    Probe,
    /// Trust no authority but the first.
    Retire,
    /// Nothing before that time, unless something else is seen.
    Wait(Timestamp),
}

/// What to do at `now`.
pub fn plan(now: Timestamp, seen: &Seen<'_>, terms: &Terms) -> Action {
    let held = seen.held;
    let Some((first, _)) = held.signer(now) else {
        return Action::Found(still_good(seen, now));
    };
    // One replacement after the other: with two under way nobody could say what is trusted where.
    if first.due() <= now && held.authorities.len() == 1 {
        return Action::Found(still_good(seen, now));
    }
    match held.usable_leaf(&terms.names, now) {
        Some(leaf) if leaf.certificate.due() > now && leaf.certificate.is_issued_by(first, now) => {
            let due = first.due().max(now).min(leaf.certificate.due());
            settled(now, seen, terms).unwrap_or(Action::Wait(due))
        }
        Some(_) | None => renew(now, seen, first, terms),
    }
}

/// The serving certificate is to be made anew, by an authority that everybody trusts already.
fn renew(now: Timestamp, seen: &Seen<'_>, first: &Certificate, terms: &Terms) -> Action {
    // Where nobody trusts anything there is nobody to lose: the first installation.
    if seen.trusted.is_empty() {
        return Action::Issue;
    }
    if !seen.trusted.holds(first) {
        return Action::Trust;
    }
    match terms.settle().checked_sub(seen.trusted_for) {
        Some(left) if !left.is_zero() => Action::Wait(after(now, left)),
        Some(_) | None => Action::Issue,
    }
}

/// What is left to do once the right certificate is in the Secret.
fn settled(now: Timestamp, seen: &Seen<'_>, terms: &Terms) -> Option<Action> {
    let authorities = &seen.held.authorities;
    let old = authorities.get(1..).unwrap_or_default();
    if !old.is_empty() && old.iter().all(|old| old.until <= now) {
        return Some(Action::Retire);
    }
    if !seen.trusted.is_exactly(authorities) {
        return Some(Action::Trust);
    }
    if old.is_empty() {
        return None;
    }
    Some(match seen.served {
        Served::Everywhere(time) if time >= terms.settle() => Action::Retire,
        Served::Everywhere(_) | Served::Otherwise | Served::Unknown => Action::Probe,
    })
}

/// Who was trusted until now, by the Secret or by the configurations, and may be for longer.
fn still_good(seen: &Seen<'_>, now: Timestamp) -> Vec<Certificate> {
    let mut good: Vec<Certificate> = Vec::new();
    for authority in seen.held.authorities.iter().chain(seen.trusted.authorities()) {
        if authority.until > now && !good.contains(authority) {
            good.push(authority.clone());
        }
    }
    // Who is valid for longest was made last; the others would only make room for more.
    good.sort_by_key(|authority| std::cmp::Reverse(authority.until));
    good.truncate(KEPT);
    good
}

fn after(now: Timestamp, time: Duration) -> Timestamp {
    now.checked_add(time).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;

//! Which Events to write, and when: refusals of the same object by the same policies are one Event with a count, and
//! all together are no burden to the API server. Pure: time is handed in.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::observe::denials::Denial;

/// A refusal this long after its like is an Event of its own.
const SERIES: Duration = Duration::from_mins(10);

/// A series is brought up to date no more often.
const PACE: Duration = Duration::from_secs(10);

/// Series kept at a time; each takes some 2 KiB.
const KEPT: usize = 1_024;

/// Writes at once after a quiet time, and writes a second in the long run.
const BURST: f64 = 50.0;
const RATE: f64 = 5.0;

/// What makes two refusals alike.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    namespace: String,
    api_version: String,
    kind: String,
    name: String,
    policies: Vec<Arc<str>>,
}

/// Something to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Write {
    /// What to tell [`Series`] the outcome under.
    pub(super) key: Key,
    /// The first refusal, with the time of the last.
    pub(super) denial: Denial,
    /// The name of the Event to bring up to date; a new one if none.
    pub(super) event: Option<String>,
    /// How many refusals there were.
    pub(super) count: i32,
}

/// The series under way.
#[derive(Debug)]
pub(super) struct Series {
    entries: HashMap<Key, Entry>,
    bucket: Bucket,
}

#[derive(Debug)]
struct Entry {
    denial: Denial,
    event: Option<String>,
    count: i32,
    /// So many of them are written.
    written: i32,
    last: Instant,
    due: Instant,
}

impl Series {
    pub(super) fn new(now: Instant) -> Self {
        Self { entries: HashMap::new(), bucket: Bucket { tokens: BURST, at: now } }
    }

    /// Counts a refusal in; false if there are too many different ones.
    pub(super) fn take(&mut self, denial: Denial, now: Instant) -> bool {
        let key = Key::of(&denial);
        if let Some(entry) = self.entries.get_mut(&key)
            && !entry.is_over(now)
        {
            entry.count = entry.count.saturating_add(1);
            entry.last = now;
            entry.denial.at = denial.at;
            return true;
        }
        if self.entries.len() >= KEPT {
            self.entries.retain(|_, entry| !entry.is_over(now));
        }
        let fits = self.entries.len() < KEPT || self.entries.contains_key(&key);
        if fits {
            self.entries.insert(key, Entry { denial, event: None, count: 1, written: 0, last: now, due: now });
        }
        fits
    }

    /// What is to be written next, the longest due first, if anything may be written now.
    pub(super) fn next(&mut self, now: Instant) -> Option<Write> {
        if !self.bucket.has_one(now) {
            return None;
        }
        let due = self.entries.iter_mut().filter(|(_, entry)| entry.written < entry.count && entry.due <= now);
        let (key, entry) = due.min_by_key(|(_, entry)| entry.due)?;
        self.bucket.tokens -= 1.0;
        entry.written = entry.count;
        entry.due = now + PACE;
        Some(Write { key: key.clone(), denial: entry.denial.clone(), event: entry.event.clone(), count: entry.count })
    }

    /// The Event of a series stands under this name.
    pub(super) fn written(&mut self, key: &Key, event: String) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.event = Some(event);
        }
    }

    /// It could not be written, or is gone: the next refusal of its like begins anew.
    pub(super) fn failed(&mut self, key: &Key) {
        self.entries.remove(key);
    }
}

impl Key {
    fn of(denial: &Denial) -> Self {
        Self {
            namespace: denial.namespace.clone(),
            api_version: denial.subject.api_version.clone(),
            kind: denial.subject.kind.clone(),
            name: denial.subject.name.clone(),
            policies: denial.policies.clone(),
        }
    }
}

impl Entry {
    /// What is not written yet is not over.
    fn is_over(&self, now: Instant) -> bool {
        self.written == self.count && now.saturating_duration_since(self.last) >= SERIES
    }
}

/// Fills by [`RATE`] a second up to [`BURST`].
#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Bucket {
    fn has_one(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.tokens = passed.mul_add(RATE, self.tokens).min(BURST);
        self.at = now;
        self.tokens >= 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::Subject;

    fn denial(name: &str, policy: &str) -> Denial {
        Denial {
            namespace: "shop".to_owned(),
            subject: Subject { kind: "ReplicaSet".to_owned(), name: name.to_owned(), ..Subject::default() },
            policies: vec![Arc::from(policy)],
            note: String::new(),
            at: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    /// Everything that may be written at a time: names and counts, and whether each is a new Event.
    fn writes(series: &mut Series, now: Instant) -> Vec<(String, i32, bool)> {
        let mut written = Vec::new();
        while let Some(write) = series.next(now) {
            written.push((write.denial.subject.name, write.count, write.event.is_none()));
            series.written(&write.key, "event".to_owned());
        }
        written
    }

    #[test]
    fn equal_refusals_are_one_event_with_a_count() {
        let start = Instant::now();
        let mut series = Series::new(start);
        assert!(series.take(denial("web", "a"), start));
        assert_eq!(writes(&mut series, start), [("web".to_owned(), 1, true)]);
        for _ in 0..3 {
            assert!(series.take(denial("web", "a"), start + Duration::from_secs(1)));
        }
        assert_eq!(writes(&mut series, start + Duration::from_secs(1)), [], "not more often than its pace");
        assert_eq!(writes(&mut series, start + PACE), [("web".to_owned(), 4, false)]);
        assert_eq!(writes(&mut series, start + PACE * 3), [], "nothing new to tell");
    }

    #[test]
    fn another_object_or_policy_is_another_event() {
        let start = Instant::now();
        let mut series = Series::new(start);
        for (name, policy) in [("web", "a"), ("web", "b"), ("shop", "a"), ("web", "a")] {
            series.take(denial(name, policy), start);
        }
        let mut counts: Vec<i32> = writes(&mut series, start).into_iter().map(|(_, count, _)| count).collect();
        counts.sort_unstable();
        assert_eq!(counts, [1, 1, 2]);
    }

    #[test]
    fn after_ten_quiet_minutes_a_new_event_begins() {
        let start = Instant::now();
        let mut series = Series::new(start);
        series.take(denial("web", "a"), start);
        writes(&mut series, start);
        let late = start + SERIES - Duration::from_secs(1);
        series.take(denial("web", "a"), late);
        assert_eq!(writes(&mut series, late), [("web".to_owned(), 2, false)]);
        series.take(denial("web", "a"), late + SERIES);
        assert_eq!(writes(&mut series, late + SERIES), [("web".to_owned(), 1, true)]);
    }

    #[test]
    fn a_flood_is_written_by_the_rate_and_nothing_of_it_twice() {
        let start = Instant::now();
        let mut series = Series::new(start);
        for number in 0..70 {
            assert!(series.take(denial(&number.to_string(), "a"), start));
        }
        assert_eq!(writes(&mut series, start).len(), 50);
        assert_eq!(writes(&mut series, start + Duration::from_secs(1)).len(), 5);
        assert_eq!(writes(&mut series, start + Duration::from_secs(9)).len(), 15);
    }

    #[test]
    fn too_many_different_ones_are_refused_until_others_are_over() {
        let start = Instant::now();
        let mut series = Series::new(start);
        for number in 0..KEPT {
            assert!(series.take(denial(&number.to_string(), "a"), start));
        }
        assert!(!series.take(denial("one more", "a"), start));
        assert!(series.take(denial("0", "a"), start), "those known go on being counted");
        let mut now = start;
        while series.entries.values().any(|entry| entry.written < entry.count) {
            writes(&mut series, now);
            now += Duration::from_secs(10);
        }
        assert!(series.take(denial("one more", "a"), now + SERIES));
        assert_eq!(series.entries.len(), 1);
    }

    #[test]
    fn what_failed_begins_anew() {
        let start = Instant::now();
        let mut series = Series::new(start);
        series.take(denial("web", "a"), start);
        let write = series.next(start).unwrap();
        series.failed(&write.key);
        assert_eq!(series.next(start + PACE), None, "it is not tried again by itself");
        series.take(denial("web", "a"), start);
        assert_eq!(writes(&mut series, start), [("web".to_owned(), 1, true)]);
    }
}

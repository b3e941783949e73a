//! Putting together what the policies of one priority want: all of it, or the conflict that stands against it.

use std::collections::{BTreeMap, BTreeSet};

use super::edit;
use super::operation::Act;
use crate::engine::path::{FieldPath, Segment};
use crate::engine::rego::Value;

/// What a policy wants at a place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wish {
    /// The policy, by its number among the mutators.
    pub(super) mutator: usize,
    /// Where.
    pub(super) place: FieldPath,
    /// What.
    pub(super) act: Act,
    /// Whether it gives way to what another policy wants there.
    pub(super) yields: bool,
}

/// What has been written so far, and by whom; defaults left out, which a later priority may write over.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    written: BTreeMap<FieldPath, (usize, Act, bool)>,
}

/// Drops the wishes that yield to others, as long as any do; the first clash of those that do not is the error.
pub(super) fn merge(mut wishes: Vec<Wish>, ledger: &Ledger) -> Result<Vec<Wish>, (usize, usize, FieldPath)> {
    // At one place, what stands there comes before what is added to it.
    let key = |wish: &Wish| (item(&wish.act).is_some(), wish.mutator);
    wishes.sort_by(|a, b| a.place.cmp(&b.place).then_with(|| key(a).cmp(&key(b))).then_with(|| a.act.cmp(&b.act)));
    wishes.dedup();
    let gives_way = |wish: &Wish| wish.yields && ledger.contradicted(wish).is_some();
    // Who contradicts itself is told so now, as it would be once nobody stood in its way.
    for mutator in wishes.iter().filter(|wish| gives_way(wish)).map(|wish| wish.mutator).collect::<BTreeSet<_>>() {
        let own: Vec<Wish> = wishes.iter().filter(|wish| wish.mutator == mutator).cloned().collect();
        yielding(&own)?;
    }
    wishes.retain(|wish| !gives_way(wish));
    while give_way(&mut wishes)? {}
    for wish in &wishes {
        if let Some((other, false)) = ledger.contradicted(wish) {
            return Err((other.min(wish.mutator), other.max(wish.mutator), wish.place.clone()));
        }
    }
    in_order(&mut wishes, |wish| (&wish.place, &wish.act));
    Ok(wishes)
}

/// Changes first, then what is added at lists' ends; then what comes into lists and what goes, from the end on, so that no
/// index means another item than its policy saw.
pub(super) fn in_order<T>(acts: &mut [T], of: impl Fn(&T) -> (&FieldPath, &Act)) {
    acts.sort_by(|a, b| {
        let ((place, act), (other_place, other_act)) = (of(a), of(b));
        rank(act).cmp(&rank(other_act)).then_with(|| place.cmp(other_place))
    });
    let first = acts.partition_point(|one| rank(of(one).1) < 2);
    if let Some(shifting) = acts.get_mut(first..) {
        shifting.sort_by_cached_key(|one| match of(one) {
            (list, Act::Insert(index, _)) => (list.index(*index), false),
            (place, _) => (place.clone(), true),
        });
        shifting.reverse();
    }
}

fn rank(act: &Act) -> u8 {
    match act {
        Act::Set(_) | Act::Default(_) => 0,
        Act::Append(_) => 1,
        Act::Insert(..) | Act::Remove => 2,
    }
}

/// Drops those that yield to another of the wishes, which are sorted by place. Whether there were any: without them
/// others may be at odds. The first two that cannot both be fulfilled are the error.
fn give_way(wishes: &mut Vec<Wish>) -> Result<bool, (usize, usize, FieldPath)> {
    let dropped = yielding(wishes)?;
    let mut number = 0..;
    wishes.retain(|_| number.next().is_none_or(|number| !dropped.contains(&number)));
    Ok(!dropped.is_empty())
}

fn yielding(wishes: &[Wish]) -> Result<BTreeSet<usize>, (usize, usize, FieldPath)> {
    let mut dropped = BTreeSet::new();
    // The places around the one looked at, each with the wish that says what stands there.
    let mut around: Vec<(usize, &Wish)> = Vec::new();
    let mut items: BTreeMap<(&FieldPath, &Value), (usize, &Wish)> = BTreeMap::new();
    for (number, wish) in wishes.iter().enumerate() {
        around.retain(|(_, outer)| wish.place.starts_with(&outer.place));
        while let Some(at) = around.iter().position(|(_, outer)| contradict(outer, wish)) {
            let Some((outer, other)) = around.get(at) else { break };
            if loser((*outer, other), (number, wish))? == number {
                dropped.insert(number);
                break;
            }
            dropped.insert(*outer);
            around.remove(at);
        }
        if dropped.contains(&number) {
            continue;
        }
        match item(&wish.act) {
            Some(value) if value["name"] != Value::Undefined => {
                let place = items.entry((&wish.place, &value["name"])).or_insert((number, wish));
                if item(&place.1.act) != Some(value) {
                    let dropping = loser(*place, (number, wish))?;
                    dropped.insert(dropping);
                    if dropping != number {
                        *place = (number, wish);
                    }
                }
            }
            Some(_) => {}
            None if around.last().is_some_and(|(_, last)| last.place == wish.place) => {}
            None => around.push((number, wish)),
        }
    }
    Ok(dropped)
}

/// Which of two that are at odds is dropped.
fn loser(first: (usize, &Wish), second: (usize, &Wish)) -> Result<usize, (usize, usize, FieldPath)> {
    let (one, other) = (first.1.mutator, second.1.mutator);
    let clash = (one.min(other), one.max(other), second.1.place.clone());
    match (first.1.yields, second.1.yields) {
        _ if one == other => Err(clash),
        (_, true) => Ok(second.0),
        (true, false) => Ok(first.0),
        (false, false) => Err(clash),
    }
}

fn item(act: &Act) -> Option<&Value> {
    match act {
        Act::Append(value) | Act::Insert(_, value) => Some(value),
        Act::Set(_) | Act::Default(_) | Act::Remove => None,
    }
}

/// Whether what `outer` makes of its place leaves no room for `inner`, which is there or below.
fn contradict(outer: &Wish, inner: &Wish) -> bool {
    let depth = outer.place.segments().len();
    let below = FieldPath::of(inner.place.segments().get(depth..).unwrap_or_default());
    match &outer.act {
        Act::Remove => inner.act != Act::Remove,
        Act::Set(value) | Act::Default(value) => match &inner.act {
            Act::Default(wanted) => edit::at(value, &below) != wanted,
            act => !edit::is_done(value, &below, act),
        },
        Act::Append(_) | Act::Insert(..) => false,
    }
}

impl Ledger {
    /// Who has written something else at the wish's place, and whether they would have yielded.
    fn contradicted(&self, wish: &Wish) -> Option<(usize, bool)> {
        let (mutator, act, yields) = self.written.get(&wish.place)?;
        let differs = match (&wish.act, act) {
            (Act::Set(wanted) | Act::Default(wanted), Act::Set(written)) => wanted != written,
            (Act::Set(_) | Act::Default(_) | Act::Remove, _) => wish.act != *act,
            (Act::Append(_) | Act::Insert(..), _) => false,
        };
        (differs && *mutator != wish.mutator).then_some((*mutator, *yields))
    }

    /// Notes what is being done.
    pub(super) fn note(&mut self, wish: &Wish) {
        match &wish.act {
            Act::Set(_) | Act::Remove => {
                self.written.insert(wish.place.clone(), (wish.mutator, wish.act.clone(), wish.yields));
            }
            Act::Default(_) | Act::Append(_) | Act::Insert(..) => {}
        }
        if let Some(list) = moved_items(wish) {
            self.written.retain(|place, _| place == &wish.place || !place.starts_with(&list));
        }
    }
}

/// The list whose items are at other indexes after a wish was fulfilled.
pub(super) fn moved_items(wish: &Wish) -> Option<FieldPath> {
    let (item, way) = wish.place.segments().split_last()?;
    match (&wish.act, item) {
        (Act::Remove, Segment::Index(_)) => Some(FieldPath::of(way)),
        (Act::Insert(..), _) => Some(wish.place.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(mutator: usize, place: &str, act: Act) -> Wish {
        Wish { mutator, place: FieldPath::parse(place).unwrap(), act, yields: false }
    }

    fn set(json: &str) -> Act {
        Act::Set(Value::from_json_str(json).unwrap())
    }

    fn default(json: &str) -> Act {
        Act::Default(Value::from_json_str(json).unwrap())
    }

    fn append(json: &str) -> Act {
        Act::Append(Value::from_json_str(json).unwrap())
    }

    /// Two policies' wishes: whether they clash, in whichever order they come.
    #[track_caller]
    fn check((a, of_a): (&str, Act), (b, of_b): (&str, Act), clashes: bool) {
        let expected = clashes.then_some((0, 1));
        for (first, second) in [(0, 1), (1, 0)] {
            let wishes = vec![wish(first, a, of_a.clone()), wish(second, b, of_b.clone())];
            let merged = merge(wishes, &Ledger::default());
            assert_eq!(merged.err().map(|(first, second, _)| (first, second)), expected);
        }
    }

    #[test]
    fn different_values_at_one_place_clash() {
        check(("a", set("1")), ("a", set("2")), true);
        check(("a", set("1")), ("a", set("1")), false);
        check(("a", set("1")), ("a", default("2")), true);
        check(("a", default("1")), ("a", default("2")), true);
        check(("a", set("1")), ("a", Act::Remove), true);
        check(("a", Act::Remove), ("a", Act::Remove), false);
        check(("a", set("1")), ("b", set("2")), false);
        check(("a", set("1")), ("ab", set("2")), false);
    }

    #[test]
    fn a_place_and_one_within_it_clash_unless_they_agree() {
        check(("a", set(r#"{"b":1}"#)), ("a.b", set("2")), true);
        check(("a", set(r#"{"b":1}"#)), ("a.b", set("1")), false);
        check(("a", set(r#"{"b":1}"#)), ("a.c", set("1")), true);
        check(("a", default("{}")), ("a.b.c", default("1")), true);
        check(("a", Act::Remove), ("a.b", set("1")), true);
        check(("a", Act::Remove), ("a.b", Act::Remove), false);
        check(("a", set("{}")), ("a.b", Act::Remove), false);
        check(("a", set("[1]")), ("a", append("1")), false);
        check(("a", set("[1]")), ("a", append("2")), true);
    }

    #[test]
    fn items_clash_only_by_name() {
        check(("a", append("1")), ("a", append("2")), false);
        check(("a", append(r#"{"name":"x","v":1}"#)), ("a", append(r#"{"name":"x","v":2}"#)), true);
        check(("a", append(r#"{"name":"x","v":1}"#)), ("a", append(r#"{"name":"x","v":1}"#)), false);
        check(("a", append(r#"{"name":"x"}"#)), ("a", append(r#"{"name":"y"}"#)), false);
        check(("a[0].b", set("1")), ("a", append("2")), false);
    }

    #[test]
    fn a_policy_may_contradict_itself() {
        let merged = merge(vec![wish(3, "a", set("1")), wish(3, "a", set("2"))], &Ledger::default());
        assert_eq!(merged.unwrap_err(), (3, 3, FieldPath::parse("a").unwrap()));
    }

    #[test]
    fn one_that_yields_gives_way() {
        let yielding = |wish: Wish| Wish { yields: true, ..wish };
        let strict = wish(1, "a", set("2"));
        let merged = merge(vec![yielding(wish(0, "a", set("1"))), strict.clone()], &Ledger::default()).unwrap();
        assert_eq!(merged, [strict]);
        let both = vec![yielding(wish(0, "a", set("1"))), yielding(wish(1, "a", set("2")))];
        assert_eq!(merge(both, &Ledger::default()).unwrap(), [yielding(wish(0, "a", set("1")))]);
    }

    #[test]
    fn what_another_priority_has_set_is_not_set_otherwise() {
        let mut ledger = Ledger::default();
        ledger.note(&wish(0, "a", set("1")));
        ledger.note(&wish(0, "b", default("1")));
        assert!(merge(vec![wish(1, "a", set("2"))], &ledger).is_err());
        assert!(merge(vec![wish(0, "a", set("2"))], &ledger).is_ok(), "its own");
        assert!(merge(vec![wish(1, "a", set("1"))], &ledger).is_ok(), "the same");
        assert!(merge(vec![wish(1, "b", set("2"))], &ledger).is_ok(), "a default");
        let yielding = Wish { yields: true, ..wish(1, "a", set("2")) };
        assert_eq!(merge(vec![yielding], &ledger).unwrap(), []);
    }

    #[test]
    fn one_that_yields_and_contradicts_itself_is_told_so_at_once() {
        let mut ledger = Ledger::default();
        ledger.note(&wish(0, "a", set("true")));
        let own = |act: Act| Wish { yields: true, ..wish(1, "a", act) };
        let merged = merge(vec![own(set("false")), own(Act::Remove)], &ledger);
        assert_eq!(merged.unwrap_err(), (1, 1, FieldPath::parse("a").unwrap()));
    }

    #[test]
    fn indexes_mean_the_items_that_policies_saw() {
        let wishes = vec![wish(0, "l[0]", Act::Remove), wish(0, "l[2]", Act::Remove), wish(1, "l[1].x", set("1"))];
        let order: Vec<String> =
            merge(wishes, &Ledger::default()).unwrap().iter().map(|wish| wish.place.to_string()).collect();
        assert_eq!(order, ["l[1].x", "l[2]", "l[0]"]);
    }

    #[test]
    fn items_come_and_go_where_policies_saw_them() {
        let value = |text: &str| Value::from_json_str(text).unwrap();
        let mut list = value(r#"["a","b","c"]"#);
        let insert = |index: usize, text: &str| Act::Insert(index, value(text));
        let at = |mutator: usize, index: usize, act: Act| {
            let root = FieldPath::root();
            Wish { mutator, place: if act == Act::Remove { root.index(index) } else { root }, act, yields: false }
        };
        let wishes = vec![
            at(0, 0, insert(0, "\"x\"")),
            at(1, 0, insert(0, "\"w\"")),
            at(1, 2, insert(2, "\"y\"")),
            at(1, 1, Act::Remove),
            at(2, 3, append("\"z\"")),
        ];
        for wish in merge(wishes, &Ledger::default()).unwrap() {
            edit::apply(&mut list, &wish.place, &wish.act).unwrap();
        }
        assert_eq!(list.to_string(), r#"["x","w","a","y","c","z"]"#);
    }

    #[test]
    fn thousands_give_way() {
        let wishes = (0..10_000).flat_map(|n| {
            let place = format!("l{n}");
            let strict = wish(1, &place, set("2"));
            [Wish { yields: true, ..wish(0, &place, set("1")) }, strict]
        });
        let merged = merge(wishes.collect(), &Ledger::default()).unwrap();
        assert_eq!((merged.len(), merged.iter().all(|wish| wish.mutator == 1)), (10_000, true));
    }
}

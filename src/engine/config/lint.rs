//! What is unwise in a configuration that is loaded all the same.

use super::super::lint::RuleId;
use super::super::source::SourceError;
use super::{Config, Exemption};

/// A remark with its place and remedy.
pub type Advice = SourceError;

/// Remarks on a configuration, `today` being `YYYY-MM-DD` in UTC.
pub fn advise(config: &Config, today: &str) -> Vec<Advice> {
    config.exemptions.iter().flat_map(|exemption| on_exemption(exemption, config, today)).collect()
}

fn on_exemption(exemption: &Exemption, config: &Config, today: &str) -> Vec<Advice> {
    let remark = |rule, message: String, fix: &str| {
        SourceError::at(&exemption.file, exemption.line, 0, message).fix(fix).of(rule)
    };
    let mut remarks = Vec::new();
    if exemption.owner.is_empty() {
        remarks.push(remark(
            RuleId::ExemptionWithoutOwner,
            "exemption has no owner".to_owned(),
            "add `owner:`, the team that answers for it",
        ));
    }
    if exemption.reason.is_empty() {
        remarks.push(remark(
            RuleId::ExemptionWithoutReason,
            "exemption has no reason".to_owned(),
            "add `reason:`, with a ticket",
        ));
    }
    match &exemption.expires {
        None => remarks.push(remark(
            RuleId::ExemptionWithoutEnd,
            "exemption never expires".to_owned(),
            "add `expires: YYYY-MM-DD`",
        )),
        Some(day) if exemption.is_expired(today) => {
            let message = format!("exemption expired on {day} and no longer holds");
            remarks.push(remark(RuleId::ExemptionExpired, message, "remove it, or renew it"));
        }
        Some(_) => {}
    }
    if exemption.matches.labels.is_some() && !config.trusts_labels() {
        let message = "exemption by labels holds never, as an object's own author sets them".to_owned();
        let fix = "match namespaces or names, or set `trustLabels: true` if you trust every author";
        remarks.push(remark(RuleId::ExemptionByLabels, message, fix));
    }
    remarks
}

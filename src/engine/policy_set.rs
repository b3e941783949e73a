//! The policies in force with their configuration, under one revision. Immutable; a reload makes another.

use std::fmt::Write as _;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::bundle::Bundle;
use super::config::{Config, Settings};
use super::policy::Policy;
use super::review::Request;
use super::scope::NamespaceFact;

/// Policies and their configuration.
#[derive(Debug)]
pub struct PolicySet {
    policies: Vec<Arc<Policy>>,
    config: Config,
    revision: Arc<str>,
    /// For each policy what holds everywhere, and the overrides that hold in places, in order.
    settings: Vec<PolicySettings>,
}

#[derive(Debug)]
struct PolicySettings {
    everywhere: Settings,
    /// Empty if nothing depends on the place; otherwise every override that selects the policy, by its index.
    overrides: Vec<usize>,
}

impl PolicySet {
    /// Puts policies under a configuration. `texts` are those that the configuration was read from, for the revision.
    pub fn new(bundle: Bundle, config: Config, texts: &[&str]) -> Self {
        let revision = revision(&bundle, texts);
        let settings = bundle.policies.iter().map(|policy| PolicySettings::of(policy, &config)).collect();
        Self { policies: bundle.policies, config, revision, settings }
    }

    /// The policies, by name.
    pub fn policies(&self) -> &[Arc<Policy>] {
        &self.policies
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The content digest of policies and configuration: 16 hexadecimal digits of a SHA-256.
    pub fn revision(&self) -> &Arc<str> {
        &self.revision
    }

    /// The same set with only the policies that `keep` names.
    #[must_use]
    pub fn only(mut self, keep: &[String]) -> Self {
        let pairs = self.policies.into_iter().zip(self.settings);
        let (policies, settings) = pairs.filter(|(policy, _)| keep.iter().any(|name| **name == *policy.name)).unzip();
        self.policies = policies;
        self.settings = settings;
        self
    }

    /// How a policy of the set is enforced where nothing depends on the place.
    pub fn settings_everywhere(&self, policy: &Policy) -> Settings {
        self.find(policy).map_or_else(|| Settings::of(policy), |found| found.everywhere.clone())
    }

    /// How a policy of the set is enforced for a request; an error if that depends on labels that are not known.
    pub fn settings(&self, policy: &Policy, request: &Request, namespace: &NamespaceFact) -> Result<Settings, String> {
        let Some(found) = self.find(policy) else { return Ok(Settings::of(policy)) };
        if found.overrides.is_empty() {
            return Ok(found.everywhere.clone());
        }
        let mut settings = Settings::of(policy);
        for change in found.overrides.iter().filter_map(|index| self.config.overrides.get(*index)) {
            if change.place.holds(request, namespace)? {
                settings.apply(change);
            }
        }
        Ok(settings)
    }

    fn find(&self, policy: &Policy) -> Option<&PolicySettings> {
        let index = self.policies.binary_search_by(|other| other.name.cmp(&policy.name)).ok()?;
        self.settings.get(index)
    }
}

impl PolicySettings {
    fn of(policy: &Policy, config: &Config) -> Self {
        let selecting = || config.overrides.iter().enumerate().filter(|(_, change)| change.select.selects(policy));
        let mut everywhere = Settings::of(policy);
        for (_, change) in selecting().filter(|(_, change)| change.place.is_everywhere()) {
            everywhere.apply(change);
        }
        let depends_on_place = selecting().any(|(_, change)| !change.place.is_everywhere());
        let overrides = if depends_on_place { selecting().map(|(index, _)| index).collect() } else { Vec::new() };
        Self { everywhere, overrides }
    }
}

fn revision(bundle: &Bundle, texts: &[&str]) -> Arc<str> {
    let mut digest = Sha256::new();
    let mut part = |text: &str| {
        digest.update((text.len() as u64).to_be_bytes());
        digest.update(text.as_bytes());
    };
    // Wherever the directories lie, the same files are the same revision.
    let mut files: Vec<_> = bundle.sources.iter().map(|source| (bundle.place(&source.file), &source.text)).collect();
    files.sort();
    for ((_, path), text) in files {
        part(path);
        part(text);
    }
    for text in texts {
        part(text);
    }
    let bytes = digest.finalize();
    let hex = bytes.iter().take(8).fold(String::new(), |mut hex, byte| {
        // Writing to a String does not fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    Arc::from(hex)
}

//! Whom the webhook configurations trust: the `caBundle` of each of their webhooks.

use crate::certificate::read::{Certificate, read_all};

/// One webhook of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// Its name, unique in its configuration.
    pub name: String,
    /// Its `caBundle`, in PEM.
    pub bundle: Vec<u8>,
}

/// The webhooks of all configurations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trusted(Vec<Vec<Certificate>>);

impl Trusted {
    /// Reads each webhook's bundle; one that cannot be read trusts nobody.
    pub fn read<'a>(hooks: impl IntoIterator<Item = &'a Hook>) -> Self {
        Self(hooks.into_iter().map(|hook| read_all(&hook.bundle).unwrap_or_default()).collect())
    }

    /// Whether nobody is trusted anywhere: no webhook, or none with a bundle.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Vec::is_empty)
    }

    /// Whether every webhook trusts `authority`.
    pub fn holds(&self, authority: &Certificate) -> bool {
        self.0.iter().all(|bundle| bundle.contains(authority))
    }

    /// Whether every webhook trusts `authorities` and nobody else, in whatever order.
    pub fn is_exactly(&self, authorities: &[Certificate]) -> bool {
        self.0.iter().all(|bundle| same(bundle, authorities))
    }

    /// Everybody who is trusted somewhere.
    pub fn authorities(&self) -> impl Iterator<Item = &Certificate> {
        self.0.iter().flatten()
    }
}

impl Hook {
    /// Whether it trusts `authorities` and nobody else.
    pub fn trusts(&self, authorities: &[Certificate]) -> bool {
        read_all(&self.bundle).is_ok_and(|bundle| same(&bundle, authorities))
    }
}

fn same(bundle: &[Certificate], authorities: &[Certificate]) -> bool {
    bundle.iter().all(|one| authorities.contains(one)) && authorities.iter().all(|one| bundle.contains(one))
}

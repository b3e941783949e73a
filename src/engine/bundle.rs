//! From files to policies: which file is a policy, a library, a test, and what name each policy has.

mod needed;

use std::collections::BTreeMap;
use std::sync::Arc;

use self::needed::needed_by;
use super::policy::{Module, Policy, link};
use super::rego::coverage::Coverage;
use super::source::{Source, SourceError};

/// The policies of a directory, and their tests. Sorted by name.
#[derive(Debug, Default)]
pub struct Bundle {
    /// The policies.
    pub policies: Vec<Arc<Policy>>,
    /// The `*_test.rego` files, each with all that it may import.
    pub tests: Vec<TestModule>,
    /// Every file that the policies were made of, tests left out.
    pub sources: Vec<Source>,
    /// What the files' names begin with, one for each directory that they come from.
    pub roots: Vec<String>,
}

/// A file of tests with the modules it is compiled with.
#[derive(Debug)]
pub struct TestModule {
    /// The tests.
    pub module: Module,
    /// Its directory's policies and the libraries.
    pub with: Vec<Module>,
}

/// Everything that is wrong with a set of files.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct BundleError(pub Vec<SourceError>);

/// What a file is by its place and name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Policy,
    Library,
    Test,
}

fn role(source: &Source) -> Role {
    let in_lib = directory(&source.file).split('/').any(|part| part == "lib");
    match (source.is_test(), in_lib) {
        (true, _) => Role::Test,
        (false, true) => Role::Library,
        (false, false) => Role::Policy,
    }
}

fn directory(file: &str) -> &str {
    file.rsplit_once('/').map_or("", |(directory, _)| directory)
}

impl Bundle {
    /// Makes policies of the `*.rego` files of a directory, `root` being what the files' names begin with. All errors
    /// are reported, not the first only.
    pub fn read(root: &str, sources: Vec<Source>) -> Result<Self, BundleError> {
        Self::read_all(&[root], sources)
    }

    /// The same of several directories, `roots` being what the names of each one's files begin with. Policies use the
    /// libraries of all, but no library is made of files of two.
    pub fn read_all(roots: &[&str], sources: Vec<Source>) -> Result<Self, BundleError> {
        let mut errors = Vec::new();
        let mut modules: BTreeMap<&str, Vec<(Role, Module)>> = BTreeMap::new();
        let mut parsed = Vec::new();
        for source in sources {
            let role = role(&source);
            match Module::parse(source) {
                Ok(module) => parsed.push((role, module)),
                Err(error) => errors.push(error),
            }
        }
        parsed.sort_by(|(_, a), (_, b)| a.source.file.cmp(&b.source.file));
        for (role, module) in &parsed {
            modules.entry(directory(&module.source.file)).or_default().push((*role, module.clone()));
        }
        let libraries = of_role(&parsed, Role::Library);
        // What no policy needs is looked at as well.
        errors.extend(link(&libraries).err());
        errors.extend(shared_packages(roots, &libraries));
        let sample = super::inspected::sample_input();
        let roots_owned = roots.iter().map(|root| (*root).to_owned()).collect();
        let mut bundle = Self { roots: roots_owned, ..Self::default() };
        for (directory, files) in &modules {
            let siblings = of_role(files, Role::Policy);
            for module in &siblings {
                let name = fallback_name(roots, directory, module, siblings.len());
                match Policy::new(module, &needed_by(module, &libraries), name, &sample) {
                    Ok(policy) => bundle.policies.push(Arc::new(policy)),
                    Err(error) => errors.push(error),
                }
            }
            for module in of_role(files, Role::Test) {
                let with = siblings.iter().chain(&libraries).cloned().collect();
                bundle.tests.push(TestModule { module, with });
            }
        }
        bundle.sources =
            parsed.into_iter().filter(|(role, _)| *role != Role::Test).map(|(_, module)| module.source).collect();
        bundle.policies.sort_by(|a, b| a.name.cmp(&b.name));
        errors.extend(same_names(&bundle.policies));
        // What is wrong with a library is found with each policy that is linked with it.
        let mut told: Vec<SourceError> = Vec::new();
        errors.retain(|error| {
            !told.contains(error) && {
                told.push(error.clone());
                true
            }
        });
        if errors.is_empty() { Ok(bundle) } else { Err(BundleError(errors)) }
    }
}

impl Bundle {
    /// Where a file lies below the directory that it comes from: the directory by its number, and the path.
    pub fn place<'a>(&self, file: &'a str) -> (usize, &'a str) {
        let roots: Vec<&str> = self.roots.iter().map(String::as_str).collect();
        let root = root_of(&roots, file);
        let path = self.roots.get(root).and_then(|root| file.strip_prefix(root.as_str())).unwrap_or(file);
        (root, path.trim_start_matches('/'))
    }

    /// The same policies compiled anew, so that `coverage` learns which lines their verdicts reach.
    pub fn observed(&self, coverage: &Coverage) -> Result<Vec<Arc<Policy>>, SourceError> {
        let mut modules = BTreeMap::new();
        let mut libraries = Vec::new();
        for source in &self.sources {
            let module = Module::parse(source.clone())?;
            if role(source) == Role::Library {
                libraries.push(module.clone());
            }
            modules.insert(Arc::clone(&source.file), module);
        }
        let observed = self.policies.iter().filter_map(|policy| {
            let main = modules.get(&policy.file)?;
            Some(policy.observed(main, &needed_by(main, &libraries), coverage).map(Arc::new))
        });
        observed.collect()
    }
}

fn of_role(modules: &[(Role, Module)], wanted: Role) -> Vec<Module> {
    modules.iter().filter(|(role, _)| *role == wanted).map(|(_, module)| module.clone()).collect()
}

/// The number of the directory that a file comes from; the deepest if one lies in another.
fn root_of(roots: &[&str], file: &str) -> usize {
    let is_below = |root: &str| root.is_empty() || file == root || below(root, file);
    let fitting = roots.iter().enumerate().filter(|(_, root)| is_below(root));
    fitting.max_by_key(|(_, root)| root.len()).map_or(0, |(index, _)| index)
}

fn below(root: &str, path: &str) -> bool {
    path.strip_prefix(root).is_some_and(|rest| rest.starts_with('/'))
}

/// A library of one directory would change under the policies of another.
fn shared_packages(roots: &[&str], libraries: &[Module]) -> Vec<SourceError> {
    let mut homes: BTreeMap<&[String], &Module> = BTreeMap::new();
    let mut errors = Vec::new();
    for module in libraries {
        let first = *homes.entry(&module.outline.package).or_insert(module);
        let (here, there) = (&module.source.file, &first.source.file);
        if root_of(roots, here) != root_of(roots, there) {
            let message = format!("library {} is also defined in {there}", module.outline.package.join("."));
            errors.push(SourceError::whole(here, message).fix("give this one another package"));
        }
    }
    errors
}

/// A policy is named after its directory if it is alone there, otherwise after its file.
fn fallback_name<'a>(roots: &[&str], directory: &'a str, module: &'a Module, siblings: usize) -> &'a str {
    let is_below_root =
        !roots.contains(&directory) && roots.iter().any(|root| root.is_empty() || below(root, directory));
    if siblings == 1 && is_below_root {
        return directory.rsplit('/').next().unwrap_or(directory);
    }
    let file = module.source.file.rsplit('/').next().unwrap_or(&module.source.file);
    file.strip_suffix(".rego").unwrap_or(file)
}

fn same_names(policies: &[Arc<Policy>]) -> Vec<SourceError> {
    policies
        .iter()
        .zip(policies.iter().skip(1))
        .filter(|(a, b)| a.name == b.name)
        .map(|(a, b)| {
            let message = format!("policy {} is also defined in {}", b.name, a.file);
            SourceError::whole(&b.file, message).fix("give one of them another package or file name")
        })
        .collect()
}

#[cfg(test)]
mod tests;

//! Whether a policy concerns a request, and through which view of the object.

use super::pattern::{Labels, Pattern, Selector, any};
use super::review::{GroupVersionKind, Operation, Request};
use super::workload;

/// Which requests a policy is for: the `match` of its METADATA. An empty list stands for any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The kinds.
    pub kinds: Vec<KindPattern>,
    /// The operations.
    pub operations: Vec<Operation>,
    /// The operations that a mutator acts on: creation unless METADATA says otherwise.
    pub mutates_on: Vec<Operation>,
    /// Whether workloads' templates are seen as Pods, if METADATA says so: they are judged, but not mutated, if not.
    pub templates: Option<bool>,
    /// Subresources other than those that carry the whole object; those need no mention.
    pub sub_resources: Vec<String>,
    /// The namespaces by name.
    pub namespaces: Vec<Pattern>,
    /// The namespaces by label.
    pub namespace_selector: Option<Selector>,
    /// The users.
    pub users: Vec<Pattern>,
    /// The groups; one in common is enough.
    pub groups: Vec<Pattern>,
}

/// A kind as METADATA and configuration write it: `Pod`, `apps/Deployment`, `apps/v1/Deployment`, `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindPattern {
    group: Option<Pattern>,
    version: Option<Pattern>,
    kind: Pattern,
}

/// How a policy looks at an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// As it is.
    Object,
    /// As the Pod in its template.
    Template,
}

/// What is known of a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamespaceFact {
    /// Its labels and annotations.
    Known {
        /// The labels.
        labels: Labels,
        /// The annotations.
        annotations: Labels,
    },
    /// Nothing, and why. Not the same as having no labels.
    Unknown(String),
}

/// A part of a scope that keeps a request out of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// Another kind, which has no Pod in it that the policy would be for.
    Kind,
    /// Another operation.
    Operation,
    /// A subresource that the policy does not name.
    SubResource,
    /// A namespace of another name.
    Namespace,
    /// A namespace whose labels do not fit.
    NamespaceSelector,
    /// Another user.
    User,
    /// None of the groups.
    Group,
}

/// Whether a policy concerns a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Concern {
    /// It does, through this view.
    Yes(View),
    /// It does not.
    No,
    /// That depends on the labels of a namespace that is not known.
    Unknown(View, String),
}

impl Mismatch {
    /// All.
    pub const ALL: [Self; 7] = [
        Self::Kind,
        Self::Operation,
        Self::SubResource,
        Self::Namespace,
        Self::NamespaceSelector,
        Self::User,
        Self::Group,
    ];
}

impl KindPattern {
    /// Reads a kind, its group and version optional.
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split('/').collect();
        let pattern = |part: &str| Some(Pattern::new(part));
        let parsed = match parts.as_slice() {
            [kind] => Self { group: None, version: None, kind: Pattern::new(*kind) },
            [group, kind] => Self { group: pattern(group), version: None, kind: Pattern::new(*kind) },
            [group, version, kind] => {
                Self { group: pattern(group), version: pattern(version), kind: Pattern::new(*kind) }
            }
            _ => return None,
        };
        (!parsed.kind.as_str().is_empty()).then_some(parsed)
    }

    /// Whether a kind fits.
    pub fn matches(&self, kind: &GroupVersionKind) -> bool {
        let fits = |pattern: &Option<Pattern>, name: &str| pattern.as_ref().is_none_or(|p| p.matches(name));
        self.kind.matches(&kind.kind) && fits(&self.group, &kind.group) && fits(&self.version, &kind.version)
    }
}

impl std::fmt::Display for KindPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for part in [&self.group, &self.version].into_iter().flatten() {
            write!(f, "{}/", part.as_str())?;
        }
        f.write_str(self.kind.as_str())
    }
}

/// The kind under which a template is judged.
pub fn pod() -> GroupVersionKind {
    GroupVersionKind { group: String::new(), version: "v1".to_owned(), kind: "Pod".to_owned() }
}

impl Scope {
    /// The scope of a policy that says nothing: Pods, on CREATE and UPDATE.
    pub fn pods() -> Self {
        Self {
            kinds: KindPattern::parse("Pod").into_iter().collect(),
            operations: vec![Operation::Create, Operation::Update],
            mutates_on: vec![Operation::Create],
            templates: None,
            sub_resources: Vec::new(),
            namespaces: Vec::new(),
            namespace_selector: None,
            users: Vec::new(),
            groups: Vec::new(),
        }
    }

    /// Whether the policy concerns the request, given what is known of its namespace.
    pub fn concerns(&self, request: &Request, namespace: &NamespaceFact) -> Concern {
        let Some(view) = self.view(&request.kind) else { return Concern::No };
        if self.mismatches(request, namespace).next().is_some() {
            return Concern::No;
        }
        self.known(view, request, namespace)
    }

    /// A concern, unless it depends on labels that are not known.
    fn known(&self, view: View, request: &Request, namespace: &NamespaceFact) -> Concern {
        match (&self.namespace_selector, namespace) {
            (Some(_), NamespaceFact::Unknown(why)) if !request.namespace.is_empty() => {
                Concern::Unknown(view, why.clone())
            }
            (Some(_) | None, _) => Concern::Yes(view),
        }
    }

    /// Why the policy does not concern the request: nothing if it does, or if that is not known.
    pub fn mismatches<'a>(
        &'a self,
        request: &'a Request,
        namespace: &'a NamespaceFact,
    ) -> impl Iterator<Item = Mismatch> + 'a {
        Mismatch::ALL.into_iter().filter(|mismatch| self.mismatches_by(*mismatch, request, namespace))
    }

    fn mismatches_by(&self, mismatch: Mismatch, request: &Request, namespace: &NamespaceFact) -> bool {
        let user = &request.user;
        match mismatch {
            Mismatch::Kind => self.view(&request.kind).is_none(),
            Mismatch::Operation => !self.operations.contains(&request.operation),
            Mismatch::SubResource => !self.takes_sub_resource(request),
            Mismatch::Namespace => !self.namespaces.is_empty() && !any(&self.namespaces, &request.namespace),
            // As in the API server, a namespace selector does not hold back cluster-scoped objects.
            Mismatch::NamespaceSelector => match (&self.namespace_selector, namespace) {
                (Some(selector), NamespaceFact::Known { labels, .. }) if !request.namespace.is_empty() => {
                    !selector.matches(labels)
                }
                (Some(_) | None, _) => false,
            },
            Mismatch::User => !self.users.is_empty() && !any(&self.users, &user.username),
            Mismatch::Group => !self.groups.is_empty() && !user.groups.iter().any(|group| any(&self.groups, group)),
        }
    }

    /// A mismatch in words: what the request has, and what the policy is for.
    pub fn describe(&self, mismatch: Mismatch, request: &Request) -> String {
        let patterns = |patterns: &[Pattern]| patterns.iter().map(Pattern::as_str).collect::<Vec<_>>().join(", ");
        match mismatch {
            Mismatch::Kind => {
                let kinds: Vec<String> = self.kinds.iter().map(ToString::to_string).collect();
                format!("kind {} is none of {}", request.kind, kinds.join(", "))
            }
            Mismatch::Operation => {
                let operations: Vec<&str> = self.operations.iter().map(|operation| operation.as_str()).collect();
                format!("operation {} is none of {}", request.operation.as_str(), operations.join(", "))
            }
            Mismatch::SubResource => format!("subresource {} is not among those that it names", request.sub_resource),
            Mismatch::Namespace => {
                format!("namespace {:?} is none of {}", request.namespace, patterns(&self.namespaces))
            }
            Mismatch::NamespaceSelector => {
                let selector = self.namespace_selector.as_ref().map(ToString::to_string).unwrap_or_default();
                format!("the labels of namespace {:?} do not fit {selector}", request.namespace)
            }
            Mismatch::User => format!("user {:?} is none of {}", request.user.username, patterns(&self.users)),
            Mismatch::Group => {
                format!("none of the groups {} is among {}", request.user.groups.join(", "), patterns(&self.groups))
            }
        }
    }

    /// The view of a kind: its own if the policy names it, otherwise its template's if the policy is for Pods.
    pub fn view(&self, kind: &GroupVersionKind) -> Option<View> {
        self.view_where(kind, self.templates.unwrap_or(true))
    }

    fn view_where(&self, kind: &GroupVersionKind, templates: bool) -> Option<View> {
        let named = |kind: &GroupVersionKind| self.kinds.is_empty() || self.kinds.iter().any(|k| k.matches(kind));
        if named(kind) {
            return Some(View::Object);
        }
        let has_template = workload::template_path(kind).is_some_and(|path| !path.is_empty());
        (templates && has_template && named(&pod())).then_some(View::Template)
    }

    /// Whether a mutator concerns the request. Templates are left to their owners unless the policy says otherwise, or
    /// tools that compare them with what was applied would see them drift; a subresource is never patched.
    pub fn concerns_mutation(&self, request: &Request, namespace: &NamespaceFact) -> Concern {
        let Some(view) = self.view_where(&request.kind, self.templates.unwrap_or(false)) else { return Concern::No };
        let is_left = !request.sub_resource.is_empty() || !self.mutates_on.contains(&request.operation);
        let others = [Mismatch::Namespace, Mismatch::NamespaceSelector, Mismatch::User, Mismatch::Group];
        if is_left || others.into_iter().any(|mismatch| self.mismatches_by(mismatch, request, namespace)) {
            return Concern::No;
        }
        self.known(view, request, namespace)
    }

    /// Why a mutator does not concern the request, in words: nothing if it does, or if that is not known.
    pub fn why_not_mutated(&self, request: &Request, namespace: &NamespaceFact) -> Vec<String> {
        let mut reasons = Vec::new();
        if self.view_where(&request.kind, self.templates.unwrap_or(false)).is_none() {
            let is_template = self.view_where(&request.kind, true).is_some();
            let why = "templates are left to their owners unless its match says `templates: true`";
            reasons.push(if is_template { why.to_owned() } else { self.describe(Mismatch::Kind, request) });
        }
        if !request.sub_resource.is_empty() {
            reasons.push(format!("subresource {} is never patched", request.sub_resource));
        }
        if !self.mutates_on.contains(&request.operation) {
            let operations: Vec<&str> = self.mutates_on.iter().map(|operation| operation.as_str()).collect();
            reasons.push(format!(
                "it mutates on {} only, not on {}",
                operations.join(", "),
                request.operation.as_str()
            ));
        }
        let others = [Mismatch::Namespace, Mismatch::NamespaceSelector, Mismatch::User, Mismatch::Group];
        let others = others.into_iter().filter(|mismatch| self.mismatches_by(*mismatch, request, namespace));
        reasons.extend(others.map(|mismatch| self.describe(mismatch, request)));
        reasons
    }

    /// Only subresources that carry the whole object are judged unasked: a status is the kubelet's, and refusing an
    /// eviction keeps a node from being drained.
    fn takes_sub_resource(&self, request: &Request) -> bool {
        const WHOLE_OBJECT: [&str; 3] = ["", "ephemeralcontainers", "resize"];
        WHOLE_OBJECT.contains(&request.sub_resource.as_str()) || self.sub_resources.contains(&request.sub_resource)
    }
}

#[cfg(test)]
mod tests;

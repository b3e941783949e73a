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
        let user = &request.user;
        let in_scope = self.operations.contains(&request.operation)
            && self.takes_sub_resource(request)
            && (self.namespaces.is_empty() || any(&self.namespaces, &request.namespace))
            && (self.users.is_empty() || any(&self.users, &user.username))
            && (self.groups.is_empty() || user.groups.iter().any(|group| any(&self.groups, group)));
        if !in_scope {
            return Concern::No;
        }
        match (&self.namespace_selector, namespace) {
            (None, _) => Concern::Yes(view),
            // As in the API server, a namespace selector does not hold back cluster-scoped objects.
            (Some(_), _) if request.namespace.is_empty() => Concern::Yes(view),
            (Some(selector), NamespaceFact::Known { labels, .. }) if selector.matches(labels) => Concern::Yes(view),
            (Some(_), NamespaceFact::Known { .. }) => Concern::No,
            (Some(_), NamespaceFact::Unknown(why)) => Concern::Unknown(view, why.clone()),
        }
    }

    /// The view of a kind: its own if the policy names it, otherwise its template's if the policy is for Pods.
    pub fn view(&self, kind: &GroupVersionKind) -> Option<View> {
        let named = |kind: &GroupVersionKind| self.kinds.is_empty() || self.kinds.iter().any(|k| k.matches(kind));
        if named(kind) {
            return Some(View::Object);
        }
        let has_template = workload::template_path(kind).is_some_and(|path| !path.is_empty());
        (has_template && named(&pod())).then_some(View::Template)
    }

    /// Only subresources that carry the whole object are judged unasked: a status is the kubelet's, and refusing an
    /// eviction keeps a node from being drained.
    fn takes_sub_resource(&self, request: &Request) -> bool {
        const WHOLE_OBJECT: [&str; 3] = ["", "ephemeralcontainers", "resize"];
        WHOLE_OBJECT.contains(&request.sub_resource.as_str()) || self.sub_resources.contains(&request.sub_resource)
    }
}

#[cfg(test)]
mod tests {
    use super::super::pattern::{Requirement, Test};
    use super::super::review::UserInfo;
    use super::*;

    fn request(group: &str, kind: &str) -> Request {
        Request {
            uid: "u".to_owned(),
            kind: GroupVersionKind { group: group.to_owned(), version: "v1".to_owned(), kind: kind.to_owned() },
            sub_resource: String::new(),
            name: String::new(),
            namespace: "team-a".to_owned(),
            operation: Operation::Create,
            user: UserInfo { username: "eve".to_owned(), groups: vec!["dev".to_owned()] },
            dry_run: false,
        }
    }

    fn labels(tier: &str) -> NamespaceFact {
        let labels = Labels::from([("tier".to_owned(), tier.to_owned())]);
        NamespaceFact::Known { labels, annotations: Labels::new() }
    }

    fn unknown() -> NamespaceFact {
        NamespaceFact::Unknown("no cluster".to_owned())
    }

    #[track_caller]
    fn check(scope: &Scope, request: &Request, expected: &Concern) {
        assert_eq!(&scope.concerns(request, &unknown()), expected);
    }

    #[test]
    fn a_pod_policy_holds_for_pods_and_templates() {
        let scope = Scope::pods();
        check(&scope, &request("", "Pod"), &Concern::Yes(View::Object));
        check(&scope, &request("apps", "Deployment"), &Concern::Yes(View::Template));
        check(&scope, &request("batch", "CronJob"), &Concern::Yes(View::Template));
        check(&scope, &request("", "Service"), &Concern::No);
        check(&scope, &request("example.com", "Deployment"), &Concern::No);
        check(&scope, &request("", "pod"), &Concern::No);
    }

    #[test]
    fn a_kind_that_is_named_is_judged_as_it_is() {
        let kinds = |texts: &[&str]| Scope {
            kinds: texts.iter().map(|text| KindPattern::parse(text).unwrap()).collect(),
            ..Scope::pods()
        };
        check(&kinds(&["Pod", "apps/Deployment"]), &request("apps", "Deployment"), &Concern::Yes(View::Object));
        check(&kinds(&["apps/v1/Deployment"]), &request("apps", "StatefulSet"), &Concern::No);
        check(&kinds(&["apps/*/*"]), &request("apps", "StatefulSet"), &Concern::Yes(View::Object));
        check(&kinds(&["*"]), &request("x", "Y"), &Concern::Yes(View::Object));
        assert_eq!(KindPattern::parse("a/b/c/d"), None);
        assert_eq!(KindPattern::parse(""), None);
    }

    #[test]
    fn subresources_without_the_object_are_left_alone() {
        for (sub_resource, expected) in [
            ("ephemeralcontainers", Concern::Yes(View::Object)),
            ("resize", Concern::Yes(View::Object)),
            ("status", Concern::No),
            ("binding", Concern::No),
        ] {
            let mut request = request("", "Pod");
            sub_resource.clone_into(&mut request.sub_resource);
            check(&Scope::pods(), &request, &expected);
        }
        let mut status = request("", "Pod");
        "status".clone_into(&mut status.sub_resource);
        let named = Scope { sub_resources: vec!["status".to_owned()], ..Scope::pods() };
        check(&named, &status, &Concern::Yes(View::Object));
    }

    #[test]
    fn operations_namespaces_users_and_groups_narrow_it() {
        let yes = Concern::Yes(View::Object);
        let pod = request("", "Pod");
        let patterns = |text: &str| vec![Pattern::new(text)];
        check(&Scope { operations: vec![Operation::Delete], ..Scope::pods() }, &pod, &Concern::No);
        check(&Scope { namespaces: patterns("team-*"), ..Scope::pods() }, &pod, &yes);
        check(&Scope { namespaces: patterns("prod"), ..Scope::pods() }, &pod, &Concern::No);
        check(&Scope { users: patterns("eve"), ..Scope::pods() }, &pod, &yes);
        check(&Scope { users: patterns("EVE"), ..Scope::pods() }, &pod, &Concern::No);
        check(&Scope { groups: patterns("d*"), ..Scope::pods() }, &pod, &yes);
        check(&Scope { groups: patterns("ops"), ..Scope::pods() }, &pod, &Concern::No);
    }

    #[test]
    fn an_unknown_namespace_is_neither_inside_nor_outside() {
        let requirement = Requirement { key: "tier".to_owned(), test: Test::In(vec!["web".to_owned()]) };
        let selector = Some(Selector { requirements: vec![requirement] });
        let scope = Scope { namespace_selector: selector, ..Scope::pods() };
        let pod = request("", "Pod");
        assert_eq!(scope.concerns(&pod, &labels("web")), Concern::Yes(View::Object));
        assert_eq!(scope.concerns(&pod, &labels("db")), Concern::No);
        assert_eq!(scope.concerns(&pod, &unknown()), Concern::Unknown(View::Object, "no cluster".to_owned()));
        let cluster_scoped = Request { namespace: String::new(), ..pod };
        assert_eq!(scope.concerns(&cluster_scoped, &unknown()), Concern::Yes(View::Object));
    }
}

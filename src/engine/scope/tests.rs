//! Which requests a scope takes, and why not the others.

use proptest::prelude::*;

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

/// Few values for each field, so that scopes and requests often meet.
fn some_requests() -> impl Strategy<Value = Request> {
    let kinds = prop_oneof![Just(("", "Pod")), Just(("apps", "Deployment")), Just(("", "Service"))];
    let operations = proptest::sample::select(Operation::ALL.to_vec());
    let names = || proptest::sample::select(vec!["", "a", "b"]);
    let sub_resources = proptest::sample::select(vec!["", "resize", "status"]);
    (kinds, operations, names(), names(), names(), sub_resources).prop_map(
        |((group, kind), operation, namespace, user, member, sub_resource)| Request {
            operation,
            namespace: namespace.to_owned(),
            sub_resource: sub_resource.to_owned(),
            user: UserInfo { username: user.to_owned(), groups: vec![member.to_owned()] },
            ..request(group, kind)
        },
    )
}

fn some_scopes() -> impl Strategy<Value = Scope> {
    let patterns = || proptest::sample::select(vec![vec![], vec![Pattern::new("a")], vec![Pattern::new("b*")]]);
    let kinds = proptest::sample::select(vec![vec![], vec!["Pod"], vec!["Service", "apps/*"]]);
    let operations = proptest::sample::subsequence(Operation::ALL.to_vec(), 1..4);
    let requirement = || Requirement { key: "tier".to_owned(), test: Test::In(vec!["web".to_owned()]) };
    let selector = proptest::option::of(Just(Selector { requirements: vec![requirement()] }));
    let sub_resources = proptest::sample::select(vec![vec![], vec!["status".to_owned()]]);
    (kinds, operations, patterns(), selector, patterns(), patterns(), sub_resources).prop_map(
        |(kinds, operations, namespaces, namespace_selector, users, groups, sub_resources)| Scope {
            kinds: kinds.into_iter().filter_map(KindPattern::parse).collect(),
            operations,
            sub_resources,
            namespaces,
            namespace_selector,
            users,
            groups,
            ..Scope::pods()
        },
    )
}

/// A scope without the part that keeps the request out.
fn without(mut scope: Scope, mismatch: Mismatch, request: &Request) -> Scope {
    match mismatch {
        Mismatch::Kind => scope.kinds.clear(),
        Mismatch::Operation => scope.operations.push(request.operation),
        Mismatch::SubResource => scope.sub_resources.push(request.sub_resource.clone()),
        Mismatch::Namespace => scope.namespaces.clear(),
        Mismatch::NamespaceSelector => scope.namespace_selector = None,
        Mismatch::User => scope.users.clear(),
        Mismatch::Group => scope.groups.clear(),
    }
    scope
}

proptest! {
    /// What is named as the reason is the whole reason: mended, the request is taken; and each part of it counts.
    #[test]
    fn the_mismatches_are_why_a_request_is_not_taken(
        scope in some_scopes(),
        request in some_requests(),
        fact in prop_oneof![Just(labels("web")), Just(labels("db")), Just(unknown())],
    ) {
        let mismatches: Vec<Mismatch> = scope.mismatches(&request, &fact).collect();
        prop_assert_eq!(scope.concerns(&request, &fact) == Concern::No, !mismatches.is_empty());
        let mended = |left: Option<Mismatch>| {
            let others = mismatches.iter().filter(|mismatch| Some(**mismatch) != left);
            others.fold(scope.clone(), |scope, mismatch| without(scope, *mismatch, &request))
        };
        prop_assert_ne!(mended(None).concerns(&request, &fact), Concern::No);
        for mismatch in &mismatches {
            prop_assert_eq!(mended(Some(*mismatch)).concerns(&request, &fact), Concern::No);
            prop_assert!(!scope.describe(*mismatch, &request).is_empty());
        }
    }
}

#[test]
fn a_mismatch_says_what_is_and_what_should_be() {
    let requirement = |key: &str, test| Requirement { key: key.to_owned(), test };
    let values = || vec!["web".to_owned(), "db".to_owned()];
    let requirements = vec![
        requirement("tier", Test::In(values())),
        requirement("zone", Test::NotIn(values())),
        requirement("a", Test::Exists),
        requirement("b", Test::DoesNotExist),
    ];
    let scope = Scope {
        namespaces: vec![Pattern::new("prod"), Pattern::new("qa-*")],
        namespace_selector: Some(Selector { requirements }),
        users: vec![Pattern::new("adam")],
        groups: vec![Pattern::new("ops")],
        operations: vec![Operation::Delete],
        ..Scope::pods()
    };
    let service = Request { sub_resource: "status".to_owned(), ..request("", "Service") };
    let fact = labels("none");
    let said: Vec<String> =
        scope.mismatches(&service, &fact).map(|mismatch| scope.describe(mismatch, &service)).collect();
    assert_eq!(
        said,
        [
            "kind v1/Service is none of Pod",
            "operation CREATE is none of DELETE",
            "subresource status is not among those that it names",
            "namespace \"team-a\" is none of prod, qa-*",
            "the labels of namespace \"team-a\" do not fit tier in (web, db), zone notin (web, db), a, !b",
            "user \"eve\" is none of adam",
            "none of the groups dev is among ops",
        ]
    );
}

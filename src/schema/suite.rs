//! The shape of a suite, as `suite::cases::read` takes it.

#![expect(dead_code, reason = "the shape is the schema")]

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde_json::{Map, Value};

use super::{Enforcement, Severity};
use crate::engine::patch::Act;

/// A suite of Portcullis: cases that test policies, each an object and what must be said of it.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Suite {
    api_version: ApiVersion,
    kind: SuiteKind,
    /// The policy under test; those that lie beside the suite if left out.
    policy: Option<Text>,
    /// What holds in each case that does not say otherwise.
    defaults: Option<Asked>,
    /// The cases.
    #[schemars(length(min = 1))]
    cases: Vec<Case>,
}

/// The version of this format.
#[derive(JsonSchema)]
enum ApiVersion {
    #[schemars(rename = "portcullis.dev/v1alpha1")]
    V1alpha1,
}

/// What this document is.
#[derive(JsonSchema)]
enum SuiteKind {
    Suite,
}

/// A text that is not empty.
#[derive(JsonSchema)]
#[schemars(inline)]
struct Text(#[schemars(length(min = 1))] String);

/// Who asks for what.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct Asked {
    /// The operation, CREATE if left out.
    operation: Option<Operation>,
    /// The user.
    user: Option<Text>,
    /// The user's groups.
    groups: Option<Vec<Text>>,
    /// The namespace of objects that name none, and what is known of it.
    namespace: Option<Namespace>,
    /// Parameters of the policies by name; each replaces the one before.
    parameters: Option<Map<String, Value>>,
    /// How the policies are enforced; as their METADATA says if left out.
    enforcement: Option<Enforcement>,
}

/// One object, who asks for what, and what must come of it.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct Case {
    /// Its name, unique in the suite.
    name: Text,
    /// The object: a file, by its path from the suite's directory, or the object itself. An `AdmissionReview` is judged
    /// with its own operation and user.
    object: Object,
    /// What the object was before an UPDATE; the same if left out.
    old_object: Option<Object>,
    /// The operation, CREATE if left out.
    operation: Option<Operation>,
    /// The user.
    user: Option<Text>,
    /// The user's groups.
    groups: Option<Vec<Text>>,
    /// The namespace of objects that name none, and what is known of it.
    namespace: Option<Namespace>,
    /// Parameters of the policies by name; each replaces the one before.
    parameters: Option<Map<String, Value>>,
    /// How the policies are enforced; as their METADATA says if left out.
    enforcement: Option<Enforcement>,
    /// What must come of it.
    expect: Expect,
}

/// A file, or an object as kubectl would send it.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Object {
    File(String),
    Object(Kubernetes),
}

/// A Kubernetes object.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
struct Kubernetes {
    api_version: Text,
    kind: Text,
}

/// The operation under review.
#[derive(JsonSchema)]
#[schemars(rename_all = "UPPERCASE")]
enum Operation {
    Create,
    Update,
    Delete,
    Connect,
}

/// A namespace: its name, or what is known of it.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Namespace {
    Name(Text),
    Known(NamespaceFacts),
}

/// What is known of a namespace.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct NamespaceFacts {
    /// Its name; the object's own if left out.
    name: Option<Text>,
    /// Its labels; not known if neither they nor annotations are given.
    labels: Option<BTreeMap<String, String>>,
    /// Its annotations.
    annotations: Option<BTreeMap<String, String>>,
}

/// What must come of a case.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Expect {
    outcome: Outcome,
    /// The violations, whatever their enforcement; not compared if left out.
    violations: Option<Vec<Violation>>,
    /// Whether there may be no others; true if left out.
    exact: Option<bool>,
    /// Why there is no verdict: a pattern, for the outcomes error and unavailable.
    error: Option<Text>,
    /// What the policies' mutate rules change: operations of a JSON Patch, in any order; not compared if left out.
    patch: Option<Vec<PatchOperation>>,
    /// The object as the policies' mutate rules leave it; not compared if left out.
    patched: Option<Object>,
}

/// An operation of a JSON Patch (RFC 6902).
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct PatchOperation {
    op: Act,
    /// Where, as a JSON Pointer.
    #[schemars(regex(pattern = "^/"))]
    path: String,
    /// The new value; none for remove.
    value: Option<Value>,
}

/// Allow: taken without a warning. Warn: taken with one. Deny: refused. Skip: no policy is for such an object. Error: a
/// policy broke. Unavailable: a policy lacks a fact.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum Outcome {
    Allow,
    Warn,
    Deny,
    Skip,
    Error,
    Unavailable,
}

/// A violation: a pattern of its message, or patterns of what is said of it. In a pattern * stands for any text, and
/// what stands between two slashes is a regular expression, found anywhere.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Violation {
    Message(String),
    Fields(ViolationFields),
}

/// Patterns of what is said of a violation; what is left out may be anything.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct ViolationFields {
    /// The policy's name.
    policy: Option<Text>,
    /// What is wrong.
    message: Option<Text>,
    /// The field.
    field: Option<Text>,
    /// What to write instead.
    remedy: Option<Text>,
    /// How bad it is.
    severity: Option<Severity>,
    /// What follows from it.
    enforcement: Option<Enforcement>,
    /// How many such violations there are; one if left out.
    #[schemars(range(max = 1000))]
    count: Option<u16>,
}

//! A review as it comes over the wire: the envelope first, the object only when a policy needs it.
//!
//! The shape is `AdmissionReview` of `admission.k8s.io/v1`
//! (<https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#webhook-request-and-response>).

mod subject;

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::json::{self, JsonError};
use super::rego::Value;

pub use self::subject::Subject;

/// The only version spoken.
pub const API_VERSION: &str = "admission.k8s.io/v1";

/// Why a review is not decided.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReviewError {
    /// The body is no review, or no well-formed one: whoever sent it is at fault (HTTP 400).
    #[error("body is not an AdmissionReview: {0}")]
    Malformed(String),
    /// A review, but not one that can be decided: it is denied under its uid.
    #[error("{reason}")]
    Refused {
        /// The review's uid.
        uid: String,
        /// What stands against it, for the user.
        reason: String,
    },
}

/// The operation under review.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Operation {
    /// A new object.
    Create,
    /// A change, by PUT, PATCH or apply.
    Update,
    /// A removal.
    Delete,
    /// A connection to a subresource, such as `pods/exec`.
    Connect,
}

impl Operation {
    /// All operations.
    pub const ALL: [Self; 4] = [Self::Create, Self::Update, Self::Delete, Self::Connect];

    /// The name on the wire, such as `CREATE`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
        }
    }

    /// The operation of this name, in any case.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.as_str().eq_ignore_ascii_case(name))
    }
}

/// Group, version and kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct GroupVersionKind {
    /// The API group; empty for the core group.
    pub group: String,
    /// The version, such as `v1`.
    pub version: String,
    /// The kind, such as `Pod`.
    pub kind: String,
}

impl fmt::Display for GroupVersionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.group.is_empty() {
            write!(f, "{}/", self.group)?;
        }
        write!(f, "{}/{}", self.version, self.kind)
    }
}

/// Who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct UserInfo {
    /// The name, such as `system:serviceaccount:team:deployer`.
    pub username: String,
    /// The groups.
    #[serde(deserialize_with = "null_is_default")]
    pub groups: Vec<String>,
}

/// What a decision needs to know before the object: the request without its objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Names this call; echoed in the answer.
    pub uid: String,
    /// The kind as the webhook's rule matched it.
    pub kind: GroupVersionKind,
    /// The subresource, or empty.
    pub sub_resource: String,
    /// The object's name; empty for `generateName` and for deletion of a collection.
    pub name: String,
    /// The namespace; empty for cluster-scoped objects. A Namespace's own is its name.
    pub namespace: String,
    /// The operation.
    pub operation: Operation,
    /// Who asks.
    pub user: UserInfo,
    /// Whether nothing will be stored.
    pub dry_run: bool,
}

/// A review whose envelope is read.
#[derive(Clone, Debug)]
pub struct Review<'a> {
    /// The request without its objects.
    pub request: Request,
    raw: Cow<'a, str>,
}

/// The whole request, parsed.
#[derive(Clone, Debug)]
pub struct Contents {
    /// `request` as it came.
    pub request: Value,
    /// The object, or null.
    pub object: Value,
    /// The object as stored, or null.
    pub old_object: Value,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "apiVersion", borrow)]
    api_version: Cow<'a, str>,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    request: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header {
    uid: String,
    #[serde(default, deserialize_with = "null_is_default")]
    kind: GroupVersionKind,
    #[serde(default, deserialize_with = "null_is_default")]
    sub_resource: String,
    #[serde(default, deserialize_with = "null_is_default")]
    name: String,
    #[serde(default, deserialize_with = "null_is_default")]
    namespace: String,
    #[serde(default, deserialize_with = "null_is_default")]
    operation: String,
    #[serde(default, deserialize_with = "null_is_default")]
    user_info: UserInfo,
    #[serde(default, deserialize_with = "null_is_default")]
    dry_run: bool,
}

fn null_is_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

impl<'a> Review<'a> {
    /// Reads the envelope of a review. The objects in it are scanned, not parsed.
    pub fn parse(body: &'a [u8]) -> Result<Self, ReviewError> {
        let malformed = |error: &dyn fmt::Display| ReviewError::Malformed(error.to_string());
        let text = std::str::from_utf8(body).map_err(|error| malformed(&error))?;
        let envelope: Envelope<'_> = serde_json::from_str(text).map_err(|error| malformed(&error))?;
        if envelope.api_version != API_VERSION || envelope.kind != "AdmissionReview" {
            return Err(ReviewError::Malformed(format!(
                "apiVersion {:?} and kind {:?}, expected {API_VERSION:?} and \"AdmissionReview\"",
                envelope.api_version, envelope.kind
            )));
        }
        let raw = envelope.request.ok_or_else(|| ReviewError::Malformed("no request".to_owned()))?.get();
        let header: Header = serde_json::from_str(raw).map_err(|error| malformed(&error))?;
        Ok(Self { request: header.check()?, raw: Cow::Borrowed(raw) })
    }

    /// Parses the whole request.
    pub fn contents(&self) -> Result<Contents, ReviewError> {
        let request = json::parse(&self.raw).map_err(|error| match error {
            JsonError::Malformed(reason) => ReviewError::Malformed(reason),
            JsonError::TooDeep | JsonError::TooMany => {
                ReviewError::Refused { uid: self.request.uid.clone(), reason: format!("the object is {error}") }
            }
        })?;
        let part = |key: &str| match &request[key] {
            Value::Undefined => Value::Null,
            value => value.clone(),
        };
        Ok(Contents { object: part("object"), old_object: part("oldObject"), request })
    }
}

impl Header {
    fn check(self) -> Result<Request, ReviewError> {
        if self.uid.is_empty() {
            return Err(ReviewError::Malformed("request.uid is empty".to_owned()));
        }
        // The API server writes exactly these four; another case is another operation.
        let known = Operation::ALL.into_iter().find(|operation| operation.as_str() == self.operation);
        let Some(operation) = known else {
            let reason = format!("operation {:?} is not known", self.operation);
            return Err(ReviewError::Refused { uid: self.uid, reason });
        };
        Ok(Request {
            uid: self.uid,
            kind: self.kind,
            sub_resource: self.sub_resource,
            name: self.name,
            namespace: self.namespace,
            operation,
            user: self.user_info,
            dry_run: self.dry_run,
        })
    }
}

/// The uid in the beginning of a review that was cut off anywhere: it comes before the objects on the wire.
pub fn uid_of_prefix(prefix: &[u8]) -> Option<String> {
    text_of_prefix(prefix, &["request", "uid"])
}

/// The text at a path in the beginning of a review that was cut off anywhere: the first that is not empty.
pub fn text_of_prefix(prefix: &[u8], path: &[&str]) -> Option<String> {
    let valid = match std::str::from_utf8(prefix) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(prefix.get(..error.valid_up_to())?).ok()?,
    };
    let found = RefCell::new(None);
    let mut deserializer = serde_json::Deserializer::from_str(valid);
    deserializer.disable_recursion_limit();
    // It ends in an error: the text ends too early, or what was looked for is found.
    let _ended = Sought { path, found: &found }.deserialize(&mut deserializer);
    found.into_inner()
}

/// Looks for a string at a path of keys.
struct Sought<'a> {
    path: &'a [&'a str],
    found: &'a RefCell<Option<String>>,
}

impl<'de> DeserializeSeed<'de> for Sought<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Sought<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a review")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        if self.path.is_empty() && !text.is_empty() {
            self.found.replace(Some(text.to_owned()));
            return Err(E::custom("found"));
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match self.path.split_first() {
                Some((wanted, path)) if *wanted == key => map.next_value_seed(Sought { path, found: self.found })?,
                _ => map.next_value::<IgnoredAny>().map(|_| ())?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn review(request: &str) -> String {
        format!(r#"{{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{request}}}"#)
    }

    #[track_caller]
    fn check_malformed(body: &str, expected: &str) {
        let error = Review::parse(body.as_bytes()).and_then(|review| review.contents()).unwrap_err();
        assert!(matches!(error, ReviewError::Malformed(_)), "{error:?}");
        assert!(error.to_string().contains(expected), "expected `{expected}` in: {error}");
    }

    #[track_caller]
    fn check_refused(body: &str, expected: &str) {
        match Review::parse(body.as_bytes()).and_then(|review| review.contents()).unwrap_err() {
            ReviewError::Refused { uid, reason } => {
                assert_eq!(uid, "u-1");
                assert!(reason.contains(expected), "expected `{expected}` in: {reason}");
            }
            error @ ReviewError::Malformed(_) => panic!("{error}"),
        }
    }

    #[test]
    fn reads_the_envelope_of_a_real_review() {
        let body = review(
            r#"{"uid":"u-1","kind":{"group":"apps","version":"v1","kind":"Deployment"},
                "resource":{"group":"apps","version":"v1","resource":"deployments"},"subResource":null,
                "name":"web","namespace":"team","operation":"UPDATE",
                "userInfo":{"username":"eve","groups":["a","b"],"extra":{"k":["v"]}},"object":{"x":1},
                "oldObject":null,"dryRun":true,"unknown":[1]}"#,
        );
        let review = Review::parse(body.as_bytes()).unwrap();
        assert_eq!(review.request.kind.to_string(), "apps/v1/Deployment");
        assert_eq!(review.request.operation, Operation::Update);
        assert_eq!(review.request.user.groups, ["a", "b"]);
        assert!(review.request.dry_run);
        let contents = review.contents().unwrap();
        assert_eq!(contents.object["x"], Value::from(1_u64));
        assert_eq!(contents.old_object, Value::Null);
    }

    #[test]
    fn absent_and_null_are_the_same() {
        let bare = review(r#"{"uid":"u-1","operation":"DELETE"}"#);
        let nulls = review(
            r#"{"uid":"u-1","operation":"DELETE","kind":null,"subResource":null,"name":null,"namespace":null,
                "userInfo":{"username":"","groups":null},"dryRun":null}"#,
        );
        let parse = |body: &str| Review::parse(body.as_bytes()).unwrap().request;
        assert_eq!(parse(&bare), parse(&nulls));
    }

    #[test]
    fn bodies_that_are_no_review_are_the_callers_fault() {
        check_malformed("", "not an AdmissionReview");
        check_malformed("[]", "not an AdmissionReview");
        check_malformed("{}", "apiVersion");
        check_malformed(&review("null"), "no request");
        check_malformed(&review(r#"{"operation":"CREATE"}"#), "uid");
        check_malformed(&review(r#"{"uid":"","operation":"CREATE"}"#), "uid is empty");
        check_malformed(&review(r#"{"uid":7,"operation":"CREATE"}"#), "string");
        check_malformed(&review(r#"{"uid":"u-1","operation":"CREATE"}"#).replace("/v1", "/v1beta1"), "v1beta1");
        check_malformed(&format!("{} x", review(r#"{"uid":"u-1","operation":"CREATE"}"#)), "trailing");
        check_malformed(&format!("\u{feff}{}", review(r#"{"uid":"u-1"}"#)), "expected value");
        check_malformed("apiVersion: admission.k8s.io/v1", "expected value");
    }

    #[test]
    fn duplicate_keys_are_refused_at_every_level() {
        check_malformed(&review(r#"{"uid":"u-1","uid":"u-2","operation":"CREATE"}"#), "duplicate field `uid`");
        check_malformed(&review(r#"{"uid":"u-1","operation":"CREATE","object":{"a":1,"a":2}}"#), "occurs twice");
        check_malformed(r#"{"kind":"AdmissionReview","kind":"AdmissionReview"}"#, "duplicate field `kind`");
    }

    #[test]
    fn what_cannot_be_decided_is_denied_under_its_uid() {
        check_refused(&review(r#"{"uid":"u-1","operation":"PATCH"}"#), "\"PATCH\" is not known");
        check_refused(&review(r#"{"uid":"u-1","operation":"create"}"#), "not known");
        for depth in [json::DEPTH + 1, 1_000, 10_000] {
            let deep = format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
            check_refused(
                &review(&format!(r#"{{"uid":"u-1","operation":"CREATE","object":{deep}}}"#)),
                "nested deeper than 256 levels",
            );
        }
    }

    #[test]
    fn finds_the_uid_of_a_review_cut_off_anywhere() {
        let whole = review(r#"{"uid":"u-é-1","kind":{"kind":"Pod"},"object":{"uid":"other","x":"é"}}"#);
        let uid_end = whole.find("u-é-1").unwrap() + "u-é-1\"".len();
        for cut in 0..=whole.len() {
            let expected = (cut >= uid_end).then(|| "u-é-1".to_owned());
            assert_eq!(uid_of_prefix(&whole.as_bytes()[..cut]), expected, "cut at {cut}");
        }
        assert_eq!(text_of_prefix(whole.as_bytes(), &["request", "kind", "kind"]).as_deref(), Some("Pod"));
        assert_eq!(text_of_prefix(whole.as_bytes(), &["request", "namespace"]), None);
        assert_eq!(uid_of_prefix(r#"{"object":{"uid":"no"},"uid":"no""#.as_bytes()), None);
        assert_eq!(uid_of_prefix("[".repeat(100_000).as_bytes()), None);
    }
}

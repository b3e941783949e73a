//! Every rule with its reason, its remedy and an example: `policy check --rules` and docs/lint.md show this table.

use super::{Example, Rule, RuleId, Weight};

/// Every rule, those on policies first.
pub const RULES: &[Rule] = &[
    Rule {
        id: RuleId::ContainersByHand,
        severity: Weight::Advice,
        summary: "reads a container list by hand",
        why: "input.containers holds every container of every kind, for Pods and for templates of workloads alike, each \
              with its kind and its path in the real object. A loop of one's own has to be kept complete in each policy, \
              and builds paths that are wrong for a Deployment.",
        fix: "Iterate `some c in input.containers`; c.spec is the container, c.kind tells which kind it is, c.path where \
              it stands.",
        example: Some(Example {
            bad: "deny contains violation(c.name) if {\n\tlists := [\"containers\", \"initContainers\", \
                  \"ephemeralContainers\"]\n\tsome list in lists\n\tsome c in input.pod.spec[list]\n\tc.tty == true\n}",
            good: "deny contains violation(c.name) if {\n\tsome c in input.containers\n\tc.spec.tty == true\n}",
        }),
    },
    Rule {
        id: RuleId::MissesContainerKinds,
        severity: Weight::Advice,
        summary: "reads containers but not init or ephemeral containers",
        why: "Whoever wants to get around the policy moves the container to initContainers, or adds an ephemeral one to \
              the running Pod.",
        fix: "Iterate `some c in input.containers`, which holds all of them.",
        example: Some(Example {
            bad: "deny contains violation(c.name) if {\n\tsome c in input.pod.spec.containers\n\t\
                  c.securityContext.privileged == true\n}",
            good: "deny contains violation(c.name) if {\n\tsome c in input.containers\n\t\
                   c.spec.securityContext.privileged == true\n}",
        }),
    },
    Rule {
        id: RuleId::UnknownField,
        severity: Weight::Advice,
        summary: "refers to a field that no matched kind has",
        why: "In Rego what does not exist is undefined, not an error: a condition on a misspelt field never holds, and \
              its `not` always does. Fields are checked against the types of Kubernetes' built-in kinds and the input \
              that the host makes; labels, custom resources and keys that are computed are left alone.",
        fix: "Correct the name, or add the kind that has the field to `match` of METADATA.",
        example: Some(Example {
            bad: "deny contains violation(c.name) if {\n\tsome c in input.containers\n\t\
                  c.spec.securtyContext.privileged == true\n}",
            good: "deny contains violation(c.name) if {\n\tsome c in input.containers\n\t\
                   c.spec.securityContext.privileged == true\n}",
        }),
    },
    Rule {
        id: RuleId::UndeclaredParameter,
        severity: Weight::Advice,
        summary: "reads a parameter that METADATA does not declare",
        why: "The configuration cannot set a parameter that the policy does not have, so it is always undefined.",
        fix: "Declare it with its default under `custom.parameters` of METADATA, and in the schema if there is one.",
        example: Some(Example {
            bad: "deny contains violation(c.name) if {\n\tsome c in input.containers\n\tc.image in input.parameters.image\n}",
            good: "deny contains violation(c.name) if {\n\tsome c in input.containers\n\tc.image in input.parameters.images\n}",
        }),
    },
    Rule {
        id: RuleId::UnusedParameter,
        severity: Weight::Advice,
        summary: "declares a parameter that no rule reads",
        why: "Whoever configures it believes that something follows.",
        fix: "Read it, or remove it from `custom.parameters` and from the schema.",
        example: Some(Example {
            bad: "# METADATA\n# title: Replicas\n# description: Enough of them.\n# custom:\n#   match: {kinds: [Deployment]}\n\
                  #   parameters: {least: 2, most: 9}\npackage policies.replicas\n\n\
                  deny contains {\"msg\": \"too few\", \"remedy\": \"set spec.replicas\"} if {\n\t\
                  input.request.object.spec.replicas < input.parameters.least\n}",
            good: "# METADATA\n# title: Replicas\n# description: Enough of them.\n# custom:\n#   match: {kinds: [Deployment]}\n\
                   #   parameters: {least: 2}\npackage policies.replicas\n\n\
                   deny contains {\"msg\": \"too few\", \"remedy\": \"set spec.replicas\"} if {\n\t\
                   input.request.object.spec.replicas < input.parameters.least\n}",
        }),
    },
    Rule {
        id: RuleId::NeverFires,
        severity: Weight::Advice,
        summary: "has a condition that cannot be fulfilled",
        why: "The rule looks like protection and gives none: it compares with a kind or operation that `match` lets not \
              through, with a value of another type (`hostNetwork == \"true\"`), or with a constant.",
        fix: "Correct the comparison, or `match`. A policy in the style of OPA's tutorial, without METADATA, matches Pods \
              only.",
        example: Some(Example {
            bad: "deny contains violation(\"Pod\") if input.pod.spec.hostNetwork == \"true\"",
            good: "deny contains violation(\"Pod\") if input.pod.spec.hostNetwork == true",
        }),
    },
    Rule {
        id: RuleId::NoRemedy,
        severity: Weight::Advice,
        summary: "yields a violation without a remedy",
        why: "Who is denied should read what to write instead, not look for whom to ask.",
        fix: "Yield an object {msg, field, remedy}: what is wrong, where, and what to do.",
        example: Some(Example {
            bad: "deny contains sprintf(\"%s has a terminal\", [c.name]) if {\n\tsome c in input.containers\n\t\
                  c.spec.tty == true\n}",
            good: "deny contains {\"msg\": msg, \"field\": field, \"remedy\": \"remove it\"} if {\n\t\
                   some c in input.containers\n\tc.spec.tty == true\n\tmsg := sprintf(\"%s has a terminal\", [c.name])\n\t\
                   field := sprintf(\"%s.tty\", [c.path])\n}",
        }),
    },
    Rule {
        id: RuleId::UnusedRule,
        severity: Weight::Advice,
        summary: "has a rule that none of deny, warn and mutate reaches",
        why: "The host evaluates deny, warn and mutate; a rule that none of them reads decides nothing, whatever its name.",
        fix: "Use it, remove it, or move what only tests need into the test.",
        example: Some(Example {
            bad: "deny contains violation(c.name) if {\n\tsome c in input.containers\n\tc.spec.tty == true\n}\n\n\
                  _is_init(c) if c.kind == \"init\"",
            good: "deny contains violation(c.name) if {\n\tsome c in input.containers\n\t_is_init(c)\n}\n\n\
                   _is_init(c) if c.kind == \"init\"",
        }),
    },
    Rule {
        id: RuleId::Untested,
        severity: Weight::Advice,
        summary: "has no tests",
        why: "A policy that is never seen to deny may be one that never does.",
        fix: "Write *_test.rego or suite.yaml beside it, and run policy verify; policy new writes both.",
        example: None,
    },
    Rule {
        id: RuleId::Undocumented,
        severity: Weight::Advice,
        summary: "has no title or description",
        why: "policy list, reports and generated pages show them to people who must live with the policy.",
        fix: "Say in METADATA what is demanded, why, and what is left alone.",
        example: Some(Example {
            bad: "# METADATA\n# title: No terminals\npackage policies.tty\n\n\
                  deny contains {\"msg\": \"tty\", \"remedy\": \"remove it\"} if input.containers[_].spec.tty",
            good: "# METADATA\n# title: No terminals\n# description: Nobody types into a container.\n\
                   package policies.tty\n\n\
                   deny contains {\"msg\": \"tty\", \"remedy\": \"remove it\"} if input.containers[_].spec.tty",
        }),
    },
    Rule {
        id: RuleId::RegoV0,
        severity: Weight::Advice,
        summary: "is written in Rego v0",
        why: "OPA reads v1 by default since 1.0; v0 leaves out checks that find mistakes.",
        fix: "Run `opa fmt --v0-v1 --write` on it, and give it METADATA.",
        example: Some(Example {
            bad: "package policies.tty\n\ndeny[violation] {\n\tinput.containers[_].spec.tty\n\t\
                  violation := {\"msg\": \"tty\", \"remedy\": \"remove it\"}\n}",
            good: "# METADATA\n# title: No terminals\n# description: Nobody types into a container.\n\
                   package policies.tty\n\n\
                   deny contains {\"msg\": \"tty\", \"remedy\": \"remove it\"} if input.containers[_].spec.tty",
        }),
    },
    Rule {
        id: RuleId::Impure,
        severity: Weight::Error,
        summary: "uses time, randomness, the network or the environment",
        why: "The same request must have the same verdict in CI and in the cluster, today and when it is looked into.",
        fix: "Read input.now, input.parameters, or what the host has gathered.",
        example: Some(Example {
            bad: "deny contains violation(\"Pod\") if http.send({\"method\": \"get\", \"url\": \"…\"}).status_code == 200",
            good: "deny contains violation(\"Pod\") if input.now > input.parameters.until",
        }),
    },
    Rule {
        id: RuleId::UnknownFunction,
        severity: Weight::Error,
        summary: "calls a function that does not exist",
        why: "The engine would find it only when a request gets there.",
        fix: "Define it in the policy's package, or in a library under lib/ and import it.",
        example: Some(Example {
            bad: "deny contains violation(c.name) if {\n\tsome c in input.containers\n\tstarts_with(c.image, \"x/\")\n}",
            good: "deny contains violation(c.name) if {\n\tsome c in input.containers\n\tstartswith(c.image, \"x/\")\n}",
        }),
    },
    Rule {
        id: RuleId::FunctionArity,
        severity: Weight::Error,
        summary: "calls a function with too few or too many arguments",
        why: "The call would be undefined or an error.",
        fix: "Give it the arguments that its definition takes.",
        example: Some(Example {
            bad: "deny contains violation(c.name, c.kind, c.path) if some c in input.containers",
            good: "deny contains violation(c.name) if some c in input.containers",
        }),
    },
    Rule {
        id: RuleId::SprintfArity,
        severity: Weight::Error,
        summary: "gives sprintf more or fewer arguments than verbs",
        why: "The message, and the violation with it, would be lost.",
        fix: "Give one argument for each verb.",
        example: Some(Example {
            bad: "deny contains violation(sprintf(\"%s %s\", [c.name])) if some c in input.containers",
            good: "deny contains violation(sprintf(\"%s %s\", [c.kind, c.name])) if some c in input.containers",
        }),
    },
    Rule {
        id: RuleId::Recursion,
        severity: Weight::Error,
        summary: "has rules that reach themselves",
        why: "Rego has no recursion, and the engine would overflow its stack.",
        fix: "Use a comprehension, or give each level a rule of its own.",
        example: Some(Example {
            bad: "deny contains violation(_name(c)) if some c in input.containers\n\n_name(c) := _name(c.spec)",
            good: "deny contains violation(_name(c)) if some c in input.containers\n\n_name(c) := c.name",
        }),
    },
    Rule {
        id: RuleId::ExemptionExpired,
        severity: Weight::Advice,
        summary: "an exemption has run out",
        why: "It no longer exempts, and hides from whoever reads the file what is in force.",
        fix: "Remove it, or renew it.",
        example: Some(Example {
            bad: "exemptions:\n- policies: [p]\n  match: {namespaces: [batch]}\n  owner: team-batch\n  reason: TICKET-12\n  expires: 2020-01-31",
            good: "exemptions:\n- policies: [p]\n  match: {namespaces: [batch]}\n  owner: team-batch\n  reason: TICKET-12\n  expires: 2999-01-31",
        }),
    },
    Rule {
        id: RuleId::ExemptionWithoutEnd,
        severity: Weight::Advice,
        summary: "an exemption never runs out",
        why: "What was meant for a week is found again years later.",
        fix: "Add `expires: YYYY-MM-DD`.",
        example: Some(Example {
            bad: "exemptions:\n- policies: [p]\n  match: {namespaces: [batch]}\n  owner: team-batch\n  reason: TICKET-12",
            good: "exemptions:\n- policies: [p]\n  match: {namespaces: [batch]}\n  owner: team-batch\n  reason: TICKET-12\n  expires: 2999-01-31",
        }),
    },
    Rule {
        id: RuleId::ExemptionWithoutOwner,
        severity: Weight::Advice,
        summary: "an exemption has no owner",
        why: "Nobody can say whether it is still needed.",
        fix: "Add `owner:`, the team that answers for it.",
        example: Some(Example {
            bad: "exemptions:\n- policies: [p]\n  match: {namespaces: [batch]}\n  reason: TICKET-12\n  expires: 2999-01-31",
            good: "exemptions:\n- policies: [p]\n  match: {namespaces: [batch]}\n  owner: team-batch\n  reason: TICKET-12\n  expires: 2999-01-31",
        }),
    },
    Rule {
        id: RuleId::ExemptionWithoutReason,
        severity: Weight::Advice,
        summary: "an exemption has no reason",
        why: "The log names owner and reason of what was let through.",
        fix: "Add `reason:`, with a ticket.",
        example: Some(Example {
            bad: "exemptions:\n- policies: [p]\n  match: {namespaces: [batch]}\n  owner: team-batch\n  expires: 2999-01-31",
            good: "exemptions:\n- policies: [p]\n  match: {namespaces: [batch]}\n  owner: team-batch\n  reason: TICKET-12\n  expires: 2999-01-31",
        }),
    },
    Rule {
        id: RuleId::ExemptionByLabels,
        severity: Weight::Advice,
        summary: "an exemption by labels, which nobody trusts",
        why: "An object's own author sets its labels, so they exempt nobody unless the configuration trusts them.",
        fix: "Match namespaces or names, or set `trustLabels: true` if you trust every author.",
        example: Some(Example {
            bad: "exemptions:\n- policies: [p]\n  match: {labels: {matchLabels: {app: x}}}\n  owner: team-batch\n  \
                  reason: TICKET-12\n  expires: 2999-01-31",
            good: "trustLabels: true\nexemptions:\n- policies: [p]\n  match: {labels: {matchLabels: {app: x}}}\n  \
                   owner: team-batch\n  reason: TICKET-12\n  expires: 2999-01-31",
        }),
    },
    Rule {
        id: RuleId::BadSuppression,
        severity: Weight::Advice,
        summary: "a suppression that suppresses nothing, or says not why",
        why: "It would hide the next finding at its place, which nobody has looked at.",
        fix: "Remove it, or write `# policy:ignore RULE: REASON` above the line that the remark is about.",
        example: Some(Example {
            bad: "# policy:ignore never-fires\ndeny contains violation(\"Pod\") if input.pod.spec.hostNetwork == \"true\"",
            good: "# policy:ignore never-fires: CI reads manifests that no API server has seen\n\
                   deny contains violation(\"Pod\") if input.pod.spec.hostNetwork == \"true\"",
        }),
    },
];

//! The shipped mutators through public doors: what each makes of a Pod, file by file; that validation denies nothing
//! that they fill; and that they want nothing more after the API server's defaults.

#[cfg(test)]
#[path = "support/tool.rs"]
mod tool;

/// Pods as those that the Pod Security Standards are compared on.
#[cfg(test)]
#[path = "pss"]
mod standards {
    use serde_json::Value;

    mod generator;
    mod parts;
    mod random;

    /// The Pod of that number.
    pub(super) fn pod(number: u64) -> Value {
        generator::pod(20_261_121, number)
    }

    /// The Pod of that number with about half of what it says left out.
    pub(super) fn taciturn(number: u64) -> Value {
        let mut pod = pod(number);
        let mut random = random::Random::new(1_211_202, number);
        for path in parts::paths(&pod).into_iter().filter(|path| path.len() > 2) {
            if random.happens(300) {
                parts::remove(&mut pod, &path);
            }
        }
        pod
    }
}

#[cfg(test)]
mod mutate_golden {
    mod corpus;
    mod subject;

    mod cases;
    mod defaulted;
    mod validated;
}

//! What sort of finding an alert is: a row of `kinds.yaml`.

/// One kind: how it is told to a SIEM, and the first thing to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kind {
    /// Its name, such as `feature-drift`.
    pub name: String,
    /// A few words for people, such as "Feature drift".
    pub title: String,
    /// OCSF `analytic.type_id`: 1 Rule, 2 Behavioral, 3 Statistical, 4 Learning, 5 Fingerprinting.
    pub analytic: u8,
    /// OCSF `finding_info.types`.
    pub types: Vec<String>,
    /// MITRE ATLAS techniques; none where a plain quality signal is no attack.
    pub atlas: Vec<Technique>,
    /// OWASP LLM Top 10 (2025) identifiers, such as `LLM04`.
    pub owasp: Vec<String>,
    /// One line: what to look at first.
    pub advice: String,
}

/// A technique of MITRE ATLAS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Technique {
    /// Such as `AML.T0020`.
    pub uid: String,
    /// Such as "Poison Training Data".
    pub name: String,
}

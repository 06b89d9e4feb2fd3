//! delivery.
/// stub
pub fn start(_live: &std::sync::Arc<crate::live::Live>) {}

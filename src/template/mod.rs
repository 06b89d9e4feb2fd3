//! stub
use crate::diag::{Fragment, Faults};
#[derive(Debug, Clone)]
pub struct Template;
#[derive(Debug, Clone, thiserror::Error)]
#[error("stub")]
pub struct Error;
impl Template {
    pub fn parse(_f: &Fragment, _names: &[&str], _x: &mut Faults) -> Option<Template> { Some(Template) }
    pub fn render(&self, _v: &serde_json::Map<String, serde_json::Value>) -> Result<String, Error> { Ok(String::new()) }
    pub fn names(&self) -> Vec<String> { vec![] }
}

//! Values, forms and requests as data: what manifests, mappings and settings have in common.

mod request;

pub use request::{Auth, Body, Content, Leaf, Method, Request, SecretAt, SecretName};

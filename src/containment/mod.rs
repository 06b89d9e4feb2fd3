//! containment.

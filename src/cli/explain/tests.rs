//! What `explain` says of the built-in mappings and their recorded samples.

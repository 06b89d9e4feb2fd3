//! Prose for people: Handlebars behind three functions, parse, check and render.

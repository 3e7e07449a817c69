//! What the renderings of one model are claimed to show.

mod agreement;
mod compare;
mod figures;
mod folding;
mod hostile;
mod page;
mod schema;
mod support;
mod views;

//! Tests over the whole exchange.

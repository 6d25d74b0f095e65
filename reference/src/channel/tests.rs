//! Properties of channel pairs.

//! Brings an event of any client and age into one shape.

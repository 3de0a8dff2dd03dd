//! waft-macros

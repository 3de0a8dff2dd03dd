//! waft

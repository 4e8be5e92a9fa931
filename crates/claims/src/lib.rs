//! Tables from verified facts to MAA claim names, one row per claim, each with its source.

//! Facts of firmware and boot loaders, read from replayed events only.

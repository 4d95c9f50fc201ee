"""Where are logs kept? `memory` defines what a store does, `duckdb` does it on disk; a parity test binds the two."""

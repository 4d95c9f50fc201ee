"""How fast, with how much memory, and beside what? Benchmarks and corpus runners; nothing here is shipped."""

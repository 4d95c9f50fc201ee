"""Small real implementations for tests: a simulated clock, packets, clusters."""

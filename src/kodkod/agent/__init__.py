"""The door of a node: one process a role (agent, inspector)."""

"""The door of the control plane: API, kubectl face, ingest, console."""

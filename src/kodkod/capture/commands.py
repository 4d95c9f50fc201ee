"""`kodkod captured-packets`: the same client as calicoctl's."""

from __future__ import annotations

import sys

from kodkod.capture import calicoctl


def main(arguments: list[str]) -> None:
    """Run `captured-packets` with these arguments; exits with its status."""
    sys.exit(calicoctl.main(["captured-packets", *arguments]))

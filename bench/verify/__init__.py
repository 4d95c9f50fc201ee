"""What do foreign test suites say? Runners over the data named by KODKOD_CORPORA; a line a suite, results as JSON."""

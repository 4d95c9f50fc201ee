"""Which traffic is measured? Large captures, made anew from a seed, so that every machine measures the same bytes."""

"""What keeps Kodkod from doing its work here, and how is it mended?

`host` looks at this machine, `cluster` at a Kubernetes cluster through a `reading.Reader`; both answer `Finding`s.
Facts are gathered first and judged after, by functions of values alone.
"""

"""What is different in a cluster? Who callers are and what they may do is asked of the cluster, objects live there too.

    tokens, rights, front_proxy   who calls (TokenReview, certificate of the front proxy), what they may do
    places                        whether an agent's token is used where its pod runs
    pki, tls                      one authority for all parts, in a Secret; certificates renewed while serving
    election                      controllers run in one server at a time
    forwarding, face              `projectcalico.org/v3` over the CRDs: the API face
    app                           the server composed for a cluster

Nothing here runs on one host; nothing outside this room knows of it but the command line.
"""

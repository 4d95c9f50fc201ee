"""The door of a node: one process a role, wiring the features to the engine and to the server.

world        the cluster's objects as this node sees them: endpoints, names for addresses
recorder     role agent: captures, flow and DNS logs
inspector    role inspector: packets against rules
upstream     Kodkod's server, from one host or from a cluster's node
ship         what was found, spooled on disk until the server has it
reporter     what is observed, as this process's NodeReport
serve_files  capture files, to the server alone; identities: by which certificates
readiness    a file for the kubelet; metrics: a page for Prometheus
"""

"""What happened on the network?

datasets    which logs there are and which fields they have
query       the language in which people and alerts ask
store       the seam: append, search, scan, aggregate; `stores` has its forms
spool       where an agent's records wait until the server has them
"""

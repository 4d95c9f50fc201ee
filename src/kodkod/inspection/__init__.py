"""How are packets looked into as asked?

plan        which endpoints, and for whom
rulesets    which rules are in force on this host
bounds      how much the inspector may take
node        performs it on a node; enrich makes events of its alerts
alert_line  an alert as Snort prints it
controller  folds what nodes report into the status of DeepPacketInspections
"""

"""What do the logs say when asked periodically?

rule        a GlobalAlert's meaning          plan      which is due, over which window (pure)
evaluate    rows and their events            template  `${name}` in summaries
validation  what admission refuses           status    what the object says
controller  performs it all                  shipped   the templates that come with us
"""

"""What do people type? Words in, meaning objects out; the work is done by the rooms below.

`app` names the commands and imports a command's module only when it is typed, so that `kodkod scan` starts fast.
"""

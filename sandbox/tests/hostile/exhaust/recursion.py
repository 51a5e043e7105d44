# Calls itself without end.
# outcome: failed
# says: RecursionError
def deeper():
    deeper()


deeper()

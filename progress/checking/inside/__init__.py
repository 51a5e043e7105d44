"""What runs in the sandbox when an exercise is checked. Needs nothing but Python's own library.

Nothing here protects anything: beside a learner's program it may be made to say whatever that wants.
"""

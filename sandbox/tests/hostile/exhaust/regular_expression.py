# A pattern that takes exponential time.
# outcome: timeout
# seconds: 0.3
import re

re.match(r"(a+)+$", "a" * 60 + "b")

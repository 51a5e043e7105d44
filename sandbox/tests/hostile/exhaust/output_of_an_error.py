# An error message of ten million characters.
# outcome: output_limit
raise ValueError("x" * 10**7)

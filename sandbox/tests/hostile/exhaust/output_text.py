# Prints without end.
# outcome: output_limit
while True:
    print("flood " * 100)

# Takes memory piece by piece.
# outcome: memory
blocks = []
while True:
    blocks.append(bytearray(1 << 20))

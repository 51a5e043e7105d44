# Asks for more than there is in one piece.
# outcome: memory
print(len(bytearray(1 << 30)))

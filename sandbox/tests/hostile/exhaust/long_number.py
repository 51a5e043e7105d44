# One operation of the interpreter that takes longer than the universe, deaf to signals.
# outcome: timeout
# seconds: 0.3
print(9**9**9)

# Puts a pipe of its own where the supervisor is told that it is done. It ends all the same.
# prints: end
# container: kept
import os

print("end")
reading, writing = os.pipe()
os.dup2(writing, 100)

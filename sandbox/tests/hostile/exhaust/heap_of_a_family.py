# Children that make themselves unlikely victims take the memory; the first process takes none.
# outcome: memory or timeout
# Not always memory: while the kernel searches in vain for memory to free, it uses up the container's share of
# the processor, and until the next share even a process that it has chosen as a victim must wait to die.
import os

for _ in range(20):
    if os.fork() == 0:
        open("/proc/self/oom_score_adj", "w").write("0")
        blocks = []
        while True:
            blocks.append(bytearray(500_000))
while True:
    pass

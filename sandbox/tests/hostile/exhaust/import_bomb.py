# A module in an archive of a few kilobytes: its source is larger than the memory.
# outcome: memory or failed
import sys
import zipfile

with zipfile.ZipFile("bomb.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
    with archive.open("bomb.py", "w") as source:
        for _ in range(160):
            source.write(b"#" * (1 << 20))
sys.path.insert(0, "bomb.zip")
import bomb

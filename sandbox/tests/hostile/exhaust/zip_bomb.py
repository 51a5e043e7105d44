# A few kilobytes that unpack to more than there is.
# outcome: memory
import zlib

packer = zlib.compressobj(1)
bomb = b"".join([*(packer.compress(bytes(1 << 20)) for _ in range(192)), packer.flush()])
zlib.decompress(bomb)

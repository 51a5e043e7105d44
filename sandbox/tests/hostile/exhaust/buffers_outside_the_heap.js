// Memory that the engine's own limit does not count.
// outcome: memory
const all = [];
for (;;) all.push(new SharedArrayBuffer(8 << 20), new Uint8Array(8 << 20).fill(1));

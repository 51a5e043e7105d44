// Strings that double, and stay.
// outcome: memory
const all = [];
for (;;) {
  let text = "x".repeat(1 << 20);
  all.push(Buffer.from(text + all.length).toString("latin1"));
}

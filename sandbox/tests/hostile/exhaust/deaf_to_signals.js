// Hears every signal that can be heard, and goes on.
// outcome: timeout
// seconds: 2
for (const name of Object.keys(require("os").constants.signals)) {
  try {
    process.on(name, () => {});
  } catch {}
}
process.on("exit", () => { for (;;); });
setTimeout(() => process.exit(0), 100);

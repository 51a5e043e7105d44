// Keeps writing, whatever becomes of it.
// outcome: output_limit
process.stdout.on("error", () => {});
process.on("SIGPIPE", () => {});
for (;;) {
  try {
    process.stdout.write(Buffer.alloc(65536, 0xff));
  } catch {}
}

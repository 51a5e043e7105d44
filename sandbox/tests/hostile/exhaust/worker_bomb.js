// Threads that start threads, each with a heap of its own.
// outcome: memory or process_limit or failed
const { Worker } = require("worker_threads");
const text = `const { Worker } = require("worker_threads");
setInterval(() => new Worker(${JSON.stringify("setInterval(() => {}, 1)")}, { eval: true }), 1);`;
for (;;) new Worker(text, { eval: true });

// Reads and writes the supervisor through /proc, and signals it.
// prints: end
const fs = require("fs");
for (const name of "environ mem maps cwd root exe stack io fd ns fdinfo".split(" ")) {
  for (const look of [fs.readFileSync, fs.readdirSync, fs.readlinkSync]) {
    try {
      if (look(`/proc/1/${name}`).length) console.log("read", name);
    } catch {}
  }
}
for (const name of "mem oom_score_adj comm clear_refs".split(" ")) {
  try {
    fs.writeFileSync(`/proc/1/${name}`, "0");
    console.log("wrote", name);
  } catch {}
}
for (const signal of [0, "SIGKILL", "SIGSTOP", "SIGUSR1"]) {
  try {
    process.kill(1, signal);
    console.log("signalled", signal);
  } catch {}
}
try {
  process._debugProcess(1);
  console.log("debugged");
} catch {}
console.log("end");

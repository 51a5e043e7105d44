// A learner's program in JavaScript as the next run may be: answers its input and prints what an earlier run
// could have changed. In one container it prints the same whenever it runs.
const fs = require("fs");
const listed = folder => (fs.existsSync(folder) ? fs.readdirSync(folder).sort() : null);
const status = name => fs.readFileSync("/proc/self/status", "utf8").match(new RegExp(`${name}:\\s*(\\S+)`))[1];
const others = fs.readdirSync("/proc").filter(name => /^\d+$/.test(name) && name !== "1" && +name !== process.pid);
const foreign = others.filter((name) => {
  try {
    return !/\nUid:\t0\t/.test(fs.readFileSync(`/proc/${name}/status`, "utf8"));
  } catch {
    return false;
  }
});
console.log("answer", fs.readFileSync(0, "utf8"));
console.log("files", JSON.stringify(["/tmp", "/tmp/work", "/dev/shm"].map(listed)));
console.log("processes", foreign.length, fs.readFileSync("/proc/net/tcp", "utf8").split("\n").length);
console.log("language", JSON.stringify([{}.left, [1, 2].map(x => x + 1), Object.keys(Object.prototype), require("os").EOL]));
console.log("environment", JSON.stringify(Object.entries(process.env).sort()), process.execArgv.length, module.paths.length);
console.log("process", process.cwd(), process.umask(), status("CapEff"), status("Seccomp"), process.version);

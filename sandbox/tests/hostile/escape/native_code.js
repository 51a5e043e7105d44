// Goes for what lies below the language: the engine's flags, its bindings, libraries, its inspector.
// prints: 0000000000000000 1 2 end
const fs = require("fs");
const tries = [
  () => require("v8").setFlagsFromString("--allow-natives-syntax"),
  () => eval("%SystemBreak"),
  () => process.binding("spawn_sync"),
  () => process.binding("fs").internalModuleStat("/proc/1/root"),
  () => process.setuid(0),
  () => process.setgid(0),
  () => process.setgroups([0]),
  () => process.chdir("/proc/1/cwd"),
  () => fs.writeFileSync("/tmp/x.node", Buffer.concat([Buffer.from("\x7fELF"), Buffer.alloc(1000)])),
  () => process.dlopen({ exports: {} }, "/tmp/x.node"),
  () => require("os").setPriority(1, -20),
];
for (const attempt of tries) {
  try {
    attempt();
  } catch {}
}
const status = fs.readFileSync("/proc/self/status", "utf8");
const of = name => status.match(new RegExp(`${name}:\\s*(\\S+)`))[1];
process.stdout.write(`${of("CapEff")} ${of("NoNewPrivs")} ${of("Seccomp")} end\n`);
process.exit(0);

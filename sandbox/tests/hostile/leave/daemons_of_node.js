// Children in sessions of their own, deaf to what can be ignored.
const { spawn } = require("child_process");
const live = `for (const name of ["SIGTERM", "SIGHUP", "SIGINT"]) process.on(name, () => {});
require("net").createServer().listen(8000, "127.0.0.1"); setInterval(() => {}, 1000);`;
for (let number = 0; number < 3; number++) {
  spawn(process.execPath, ["-e", live], { detached: true, stdio: "ignore" }).unref();
}

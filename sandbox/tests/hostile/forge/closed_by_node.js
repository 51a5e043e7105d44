// Closes every descriptor, the engine's own included, and ends as it likes.
// outcome: failed or ok
const fs = require("fs");
for (let fd = 1023; fd >= 0; fd--) {
  try {
    fs.closeSync(fd);
  } catch {}
}
process.reallyExit(0);

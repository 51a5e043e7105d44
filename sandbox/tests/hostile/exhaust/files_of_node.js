// Fills both places that can be written to.
// prints: ENOSPC ENOSPC
const fs = require("fs");
const fill = path => {
  const file = fs.openSync(path, "w");
  try {
    for (let megabytes = 0; megabytes < 64; megabytes++) fs.writeSync(file, Buffer.alloc(1 << 20));
  } catch (error) {
    return error.code;
  }
};
console.log(fill("/tmp/big"), fill("/dev/shm/big"));

// Opens one file for ever.
// prints: EMFILE
const fs = require("fs");
try {
  for (;;) fs.openSync("/dev/null");
} catch (error) {
  console.log(error.code);
}

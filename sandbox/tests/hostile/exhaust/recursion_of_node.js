// Calls itself on a stack that it was told is larger than it is.
// outcome: failed
require("v8").setFlagsFromString("--stack-size=1000000");
const deeper = depth => deeper(depth + 1) + 1;
require("vm").runInThisContext(`(${deeper})`)(0);
deeper(0);

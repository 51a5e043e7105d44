// What Node does before a learner's program. PACKETS_FD and AWAITING_INPUT are put in front: see `languages`.
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { isMainThread } from "node:worker_threads";

// Node keeps what a pipe does not take at once until the program pauses; what is written shall be on its way.
for (const to of [process.stdout, process.stderr]) to._handle?.setBlocking?.(true);

if (isMainThread) tellOfReading();

/** Have the supervisor know when the program waits for input, as `streams.PipeReader` does for Python's. */
function tellOfReading() {
  const write = fs.writeSync;

  function announce() {
    const packet = Buffer.alloc(25); // streams.HEADER: all that is in the pipes was written earlier
    packet[0] = AWAITING_INPUT;
    packet.writeUInt32LE(0xffffffff, 1);
    packet.writeUInt32LE(0xffffffff, 5);
    const now = process.hrtime.bigint();
    packet.writeBigUInt64LE(now, 9);
    packet.writeBigUInt64LE(now, 17);
    try {
      write(PACKETS_FD, packet);
    } catch {
      // The program has closed it, and does without.
    }
  }

  for (const name of ["read", "readSync", "readFile", "readFileSync"]) {
    const original = fs[name];
    fs[name] = function (from, ...rest) {
      if (from === 0 || from === "/dev/stdin") announce();
      return original.call(this, from, ...rest);
    };
    // Among them what util.promisify goes by.
    Object.defineProperties(fs[name], Object.getOwnPropertyDescriptors(original));
  }
  syncBuiltinESMExports();

  // Made when it is asked for, and not before: from then on descriptor 0 does not block.
  const { get } = Object.getOwnPropertyDescriptor(process, "stdin");
  let watched = false;
  Object.defineProperty(process, "stdin", {
    configurable: true,
    enumerable: true,
    get() {
      const stdin = get.call(process);
      if (!watched) watch(stdin);
      watched = true;
      return stdin;
    },
  });

  function watch(stdin) {
    const handle = stdin._handle;
    if (!handle?.readStart) return;
    const announceIfReading = () => handle.reading && !stdin.isPaused() && announce();
    // A pipe is read ahead although the program has paused it, and would keep the program from its end.
    stdin.on("pause", () => handle.unref());
    stdin.on("resume", () => handle.ref());
    const { readStart } = handle;
    handle.readStart = function () {
      setImmediate(announceIfReading);
      return readStart.call(handle);
    };
    const { push } = stdin;
    stdin.push = function (chunk, ...rest) {
      if (chunk !== null) setImmediate(announceIfReading);
      return push.call(stdin, chunk, ...rest);
    };
  }
}

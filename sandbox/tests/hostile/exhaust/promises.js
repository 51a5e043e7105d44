// Microtasks that leave no turn to anything else.
// outcome: timeout
// seconds: 2
const next = () => queueMicrotask(next);
setTimeout(() => console.log("never"), 0);
next();

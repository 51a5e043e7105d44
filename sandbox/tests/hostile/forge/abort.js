// The worst end there is for a process.
// outcome: failed
process.abort();

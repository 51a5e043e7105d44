// A regular expression that takes longer than the world.
// outcome: timeout
// seconds: 2
/^(a+)+$/.test("a".repeat(100) + "!");

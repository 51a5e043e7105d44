// Nobody answers outside: no host, no cloud's metadata, no name, no engine's socket.
// prints: end
const net = require("net"), dns = require("dns"), dgram = require("dgram");
const places = [{ host: "1.1.1.1", port: 53 }, { host: "169.254.169.254", port: 80 }, { host: "2606:4700::1", port: 80 },
  { host: "host.docker.internal", port: 80 }, { path: "/var/run/docker.sock" }, { path: "/run/docker.sock" }];
let left = places.length + 2;
const done = () => --left || console.log("end");
for (const place of places) {
  net.connect(place).on("connect", () => console.log("reached", place)).on("error", done);
}
dns.lookup("example.org", (error) => { if (!error) console.log("resolved"); done(); });
const socket = dgram.createSocket("udp4");
socket.on("error", () => {});
socket.send("x", 53, "8.8.8.8", (error) => { if (!error) console.log("sent"); socket.close(); done(); });

// ReDoc's page. ReDoc wants a logo from its makers' server and has no option against that; it goes without as soon as
// that is no picture. The site's policy refuses the address anyhow, as an error of the page.
"use strict";

const here = (address) => (String(address).startsWith("https://cdn.redoc.ly/") ? "data:," : address);

// React writes an image's address both ways.
const image = HTMLImageElement.prototype;
const { setAttribute } = image;
const src = Object.getOwnPropertyDescriptor(image, "src");

image.setAttribute = function (name, value) {
  setAttribute.call(this, name, name === "src" ? here(value) : value);
};
Object.defineProperty(image, "src", {
  ...src,
  set(address) {
    src.set.call(this, here(address));
  },
});

// BlurHash: a few base-83 letters into a small blurred picture, painted on a canvas.

const LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~";
const VALUES = new Map([...LETTERS].map((letter, value) => [letter, value]));
const WIDTH = 24;

const number = (text) => [...text].reduce((sum, letter) => sum * 83 + (VALUES.get(letter) ?? 0), 0);
const toLinear = (value) => ((value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
const toByte = (value) => {
  const bound = Math.min(Math.max(value, 0), 1);
  return Math.round(255 * (bound <= 0.0031308 ? bound * 12.92 : 1.055 * bound ** (1 / 2.4) - 0.055));
};
const signedSquare = (value) => Math.sign(value) * value * value;

function colours(hash, across, down) {
  const largest = (number(hash[1]) + 1) / 166;
  const found = [];
  for (let i = 0; i < across * down; i++) {
    if (i === 0) {
      const whole = number(hash.slice(2, 6));
      found.push([whole >> 16, (whole >> 8) & 255, whole & 255].map(toLinear));
    } else {
      const value = number(hash.slice(4 + i * 2, 6 + i * 2));
      const parts = [Math.floor(value / 361), Math.floor(value / 19) % 19, value % 19];
      found.push(parts.map((part) => signedSquare((part - 9) / 9) * largest));
    }
  }
  return found;
}

// Paints the picture of a hash into a canvas of the given shape. False for text that is no BlurHash.
export function paint(canvas, hash, ratio) {
  const size = number(hash?.[0] ?? "");
  const across = (size % 9) + 1;
  const down = Math.floor(size / 9) + 1;
  if (!hash || hash.length !== 4 + 2 * across * down) return false;
  const height = Math.max(Math.round(WIDTH / ratio), 4);
  canvas.width = WIDTH;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const image = context.createImageData(WIDTH, height);
  const waves = colours(hash, across, down);
  const sideways = Array.from({ length: WIDTH }, (_, x) => Array.from({ length: across }, (_, i) => Math.cos((Math.PI * x * i) / WIDTH)));
  for (let y = 0; y < height; y++) {
    const downwards = Array.from({ length: down }, (_, j) => Math.cos((Math.PI * y * j) / height));
    for (let x = 0; x < WIDTH; x++) {
      const sum = [0, 0, 0];
      for (let j = 0; j < down; j++) {
        for (let i = 0; i < across; i++) {
          const weight = sideways[x][i] * downwards[j];
          const wave = waves[j * across + i];
          for (let c = 0; c < 3; c++) sum[c] += wave[c] * weight;
        }
      }
      image.data.set([toByte(sum[0]), toByte(sum[1]), toByte(sum[2]), 255], 4 * (y * WIDTH + x));
    }
  }
  context.putImageData(image, 0, 0);
  return true;
}

// Runs sharp as a long-lived process that reads and writes lines of JSON. Start it in the folder with its module.
"use strict";

const { readFileSync, writeFileSync } = require("node:fs");
const { createInterface } = require("node:readline");

const sharp = require(require.resolve("sharp", { paths: [process.cwd()] }));

sharp.cache(false);
if (process.env.THREADS) sharp.concurrency(Number(process.env.THREADS));

const acts = {
  async convert({ source, times = 1, out, ...order }) {
    const data = readFileSync(source);
    const cpu = process.cpuUsage();
    const made = await Promise.all(Array.from({ length: times }, () => converted(data, order)));
    const { user, system } = process.cpuUsage(cpu);
    if (out) writeFileSync(out, made[0].data);
    const { width, height } = made[0].info;
    return { seconds: (user + system) / 1e6, bytes: made[0].data.length, width, height };
  },

  async sizes({ source, resizes }) {
    const data = readFileSync(source);
    const made = await Promise.all(resizes.map((resize) => converted(data, { resize, format: "raw" })));
    return { sizes: made.map(({ info }) => [info.width, info.height]) };
  },

  async look({ source }) {
    const { pages, delay, loop } = await sharp(source, { animated: true }).metadata();
    const { channels } = await sharp(await sharp(source).toColourspace("srgb").png().toBuffer()).stats();
    return { pages: pages ?? 1, delay, loop, means: channels.map((channel) => channel.mean) };
  },
};

function converted(data, { animated = false, resize, flatten, format, options }) {
  let image = sharp(data, { animated });
  if (resize) image = image.resize(resize);
  if (flatten) image = image.flatten({ background: flatten });
  return image.toFormat(format, options).toBuffer({ resolveWithObject: true });
}

async function serve() {
  for await (const line of createInterface({ input: process.stdin })) {
    const { act, ...order } = JSON.parse(line);
    let answer;
    try {
      answer = await acts[act](order);
    } catch (error) {
      answer = { unable: error.message };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
}

serve();

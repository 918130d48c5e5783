// Asks a URL again and again over one connection, a millisecond after each answer, in a process that does nothing
// else. Argument: the URL. `start` on stdin begins, and is answered with `started` after the first answer; `stop` is
// answered with the longest wait so far, in milliseconds.
import { Agent, get } from 'node:http';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';

const [url] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true });
let isOn = false;
let running = Promise.resolve(0);

function ask() {
  return new Promise((resolve, reject) => {
    const from = performance.now();
    get(url, { agent }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}`));
      response.resume().on('end', () => resolve(performance.now() - from));
    }).on('error', reject);
  });
}

async function probe() {
  await ask();
  process.stdout.write('started\n');
  let longest = 0;
  // The one that is under way at the end counts: it may be the longest.
  while (isOn) {
    longest = Math.max(longest, await ask());
    await pause(1);
  }
  return longest;
}

for await (const line of createInterface({ input: process.stdin })) {
  isOn = line === 'start';
  if (isOn) running = probe();
  else process.stdout.write(`${await running}\n`);
}
agent.destroy();

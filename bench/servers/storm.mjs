// Behaves until the trigger file exists, then never again. Arguments: the kind of storm, the trigger.
import { existsSync } from 'node:fs';
import { notify, runServer, writeRaw } from '../../test/fixtures/servers/lib.mjs';

const MIB = 2 ** 20;
const BIG = 20_000_000;
const HOG_MIB = 192;
const LOOK_MS = 50;
const [kind, trigger] = process.argv.slice(2);

const junk = 'INFO 2025-01-01T00:00:00Z loading the next shard of the index\n'.repeat(1000);
/** Of a hog; out of reach of the collection of garbage, or it would soon be small again. */
const held = [];
const bigText = kind.startsWith('big') ? 'x'.repeat(BIG) : '';
const bigResult = `{"content":[{"type":"text","text":"${bigText}"}]}`;

const storms = {
  crash: () => process.exit(1),
  garbage: () => forEver(() => writeRaw(junk)),
  'endless-line': () => forEver(() => writeRaw('a'.repeat(65_536))),
  stderr: () => forEver(() => new Promise((resolve) => process.stderr.write(junk, resolve))),
  // 20 MB answers that nobody asked for.
  'big-unasked': () =>
    forEver(() => writeRaw(`{"result":${bigResult},"jsonrpc":"2.0","id":987654321}\n`)),
  // Its client calls `big` all the time.
  'big-results': () => {},
  notifications: () =>
    forEver(async () => {
      for (let n = 0; n < 200; n++) {
        notify('notifications/message', { level: 'info', data: `step ${n} of the import is done` });
      }
      await writeRaw('');
    }),
  burn: () => {
    for (;;);
  },
  hog: () => {
    const timer = setInterval(() => {
      held.push(Buffer.alloc(16 * MIB, 1));
      if (held.length * 16 >= HOG_MIB) clearInterval(timer);
    }, 20);
  },
};

/** Again and again, but input is still read. */
async function forEver(action) {
  for (;;) {
    await action();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

runServer({
  name: 'storm',
  capabilities: { logging: {} },
  tools: [
    { name: 'big', handle: (_args, call) => void call.answerRaw(bigResult) },
    { name: 'calm', handle: () => 'calm' },
  ],
  onInitialized: () => {
    const look = () => {
      if (!existsSync(trigger)) return;
      clearInterval(timer);
      storms[kind]();
    };
    const timer = setInterval(look, LOOK_MS);
    look();
  },
});

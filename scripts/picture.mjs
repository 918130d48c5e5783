/**
 * Draws docs/status.svg: the screen of `rea status --watch`, taken from a pseudo terminal while a gateway serves
 * three real servers, one that crashes and one whose program is not there. What stands there is what was shown,
 * apart from the directory, which is that of this run.
 *
 *   npm run build && node scripts/picture.mjs [--out docs/status.svg]
 *
 * Needs `script` and `stty` of Linux, and Node 22.18 or newer, which runs TypeScript.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { EmulatedScreen } from '../test/support/emulated-screen.ts';
import { drawing } from './picture/svg.mjs';
import { entry, env, inWorld, SHOWN_AS, shop, until } from './picture/world.mjs';

const COLUMNS = 96;
const ROWS = 17;
const { values: options } = parseArgs({
  options: {
    out: { type: 'string', default: fileURLToPath(new URL('../docs/status.svg', import.meta.url)) },
  },
});

await inWorld(async () => writeFileSync(options.out, drawing(await watched(), COLUMNS)));

/** What a person sees once the page shows all of it. */
async function watched() {
  const words = [process.execPath, entry, 'status', '--watch', '--cwd', shop];
  const command = words.map((word) => `'${word}'`).join(' ');
  const size = `stty cols ${COLUMNS} rows ${ROWS}`;
  const terminal = spawn('script', ['-qec', `${size}; exec ${command}`, '/dev/null'], {
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const screen = new EmulatedScreen(COLUMNS);
  terminal.stdout.setEncoding('utf8').on('data', (chunk) => screen.write(chunk));
  const seen = () => /flaky +failed/.test(screen.text) && /p99/.test(screen.text);
  await until(seen).finally(() => terminal.stdin.write('\u0003'));
  const rows = screen.runs;
  await once(terminal, 'close');
  return rows.map((runs) =>
    runs.map((run) => ({ ...run, text: run.text.replaceAll(shop, SHOWN_AS) })),
  );
}

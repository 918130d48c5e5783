/**
 * Gateways killed with SIGKILL at random moments under load: every effect has its `begin`, the log verifies, and at
 * most one record is torn.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { auditRecords, verify } from '../support/audit.ts';
import { startRea } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { SOAKS } from '../support/soak.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

const KILLS = SOAKS ? 200 : 10;
/** Calls that are open at a time. */
const OPEN = 24;
const MOST_CALLS = 200;

vi.setConfig({ testTimeout: KILLS * 30_000, hookTimeout: 60_000 });
afterEach(tidy);

const CONFIG = registry({ echo: { ...fixture('echo'), tier_overrides: { pid: 'read' } } });

test(`kill -9 at ${KILLS} random moments`, async () => {
  let effectsSeen = 0;
  let tornSeen = 0;
  for (let kill = 0; kill < KILLS; kill += 1) {
    const rea = await startRea({ config: CONFIG });
    await rea.waitForPhase('echo', 'ready');
    await rea.tools();
    const file = join(rea.dir, 'effects');
    const effects = () => (existsSync(file) ? readFileSync(file, 'utf8').split('\n') : ['']);
    let begun = 0;
    let ended = false;
    /** Writes, and reads between them, one after the other. */
    const lane = async (): Promise<void> => {
      while (!ended && begun < MOST_CALLS) {
        begun += 1;
        const text = `call ${begun} ${'x'.repeat(Math.floor(Math.random() * 2000))}`;
        const call =
          begun % 5 === 0 ? rea.begin('echo__pid') : rea.begin('echo__side-effect', { file, text });
        await Promise.race([call.answer.catch(() => null), rea.exited]);
      }
    };
    const lanes = Array.from({ length: OPEN }, lane);
    const wanted = Math.floor(Math.random() * (MOST_CALLS / 2));
    await until(() => effects().length > wanted, { what: `${wanted} effects` });
    rea.kill('SIGKILL');
    await rea.exited;
    ended = true;
    await Promise.all(lanes);

    const begins = auditRecords(rea.dir).filter(({ metadata }) => metadata.event === 'begin');
    const requests = new Set(begins.map(({ request }) => request));
    for (const text of effects().slice(0, -1)) {
      const request = createHash('sha256').update(JSON.stringify({ file, text })).digest('hex');
      expect([text, requests.has(request)]).toEqual([text, true]);
      effectsSeen += 1;
    }
    const proved = await verify(rea.dir);
    expect([kill, proved.code, proved.stdout]).toEqual([
      kill,
      0,
      expect.stringMatching(/^clean: \d+ records in 1 file/),
    ]);
    const torn = proved.stdout.split('\n').filter((line) => line.includes('never finished')).length;
    expect(torn).toBeLessThanOrEqual(1);
    tornSeen += torn;
    await tidy();
  }
  expect(effectsSeen).toBeGreaterThan(KILLS);
  process.stdout.write(`${KILLS} kills, ${effectsSeen} effects, ${tornSeen} torn records\n`);
});

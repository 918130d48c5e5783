/** rea as process 1, as in a container without an init. Linux, where process namespaces may be made. */
import { spawnSync } from 'node:child_process';
import { afterAll, expect, test, vi } from 'vitest';
import { makeDirectory, startRea } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterAll(tidy);

const THROUGH = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child'] as const;
const [unshare, ...flags] = THROUGH;
const CAN_RUN = spawnSync(unshare, [...flags, 'true']).status === 0;

test.skipIf(!CAN_RUN)('it warns of that, and its end waits for no zombie', async () => {
  const dir = makeDirectory();
  const rea = await startRea({
    cwd: dir,
    through: THROUGH,
    config: registry({ one: fixture('detaches', dir) }),
  });
  await rea.waitForLog('rea is process 1 here');
  expect(rea.stderr).toContain('docker run --init');
  expect((await rea.call('one__pid')).failure).toBeNull();
  expect(await rea.stop()).toEqual({ code: 0, signal: null });
  expect(rea.stderr).not.toContain('does not end on SIGKILL');
});

test('elsewhere it does not', async () => {
  const rea = await startRea({ config: registry({ echo: fixture('echo') }) });
  await rea.waitForPhase('echo', 'ready');
  expect(rea.stderr).not.toContain('process 1');
});

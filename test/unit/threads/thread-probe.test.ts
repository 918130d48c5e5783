import { MessageChannel } from 'node:worker_threads';
import { type Endpoint, expose } from 'comlink';
import { afterEach, expect, test } from 'vitest';
import type { Logger } from '#src/main/logger.ts';
import { ControlLink } from '#src/main/threads/control.ts';
import { ThreadProbe } from '#src/main/threads/thread-probe.ts';

interface Control {
  inspect(): string;
}

const cleanup: (() => void)[] = [];
afterEach(() => {
  for (const end of cleanup.splice(0)) end();
});

/** A link to a control object on the other side of a real channel. */
function linkTo(control: Control | null): ControlLink<Control> {
  const { port1, port2 } = new MessageChannel();
  const link = new ControlLink<Control>(port1);
  if (control !== null) expose(control, port2 as unknown as Endpoint);
  cleanup.push(() => {
    link.close();
    port2.close();
  });
  return link;
}

function probe() {
  const lines: string[] = [];
  const log = {
    warn: (fields: object, message: string) => lines.push(`${message} ${JSON.stringify(fields)}`),
  } as unknown as Logger;
  return { lines, probe: new ThreadProbe(log, 'the thread') };
}

const ask = (one: ThreadProbe, link: ControlLink<Control>, deadlineMs = 10_000) =>
  one.ask(link, (remote) => remote.inspect(), deadlineMs);

test('gives what the thread says', async () => {
  const { probe: one, lines } = probe();
  const link = linkTo({ inspect: () => 'well' });
  expect(await ask(one, link)).toEqual({ ok: true, value: 'well' });
  expect(lines).toEqual([]);
});

test('an error on the other side is a failed look, logged once in a while and never thrown', async () => {
  const { probe: one, lines } = probe();
  const link = linkTo({
    inspect: () => {
      throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' });
    },
  });
  for (let look = 0; look < 3; look += 1) {
    expect(await ask(one, link)).toEqual({ ok: false, timedOut: false });
  }
  expect(lines).toEqual([
    'the thread could not be looked at {"detail":"EMFILE: too many open files"}',
  ]);
});

test('tells a thread that does not answer from one that is gone', async () => {
  const { probe: one, lines } = probe();
  expect(await ask(one, linkTo(null), 1)).toEqual({ ok: false, timedOut: true });
  expect(lines).toHaveLength(1);
  const gone = linkTo(null);
  const look = ask(one, gone);
  gone.close();
  expect(await look).toEqual({ ok: false, timedOut: false });
});

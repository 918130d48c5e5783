/** Files are read when one has changed or a process has ended, and not otherwise. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { judgeStatus } from '#src/main/status/verdict.ts';
import { Looking } from '#src/main/watch/looking.ts';
import { identify } from '#src/shared/model/process-table.ts';
import { systemReader } from '#src/shared/platform/identity.ts';
import { downstream, fromNow, instance, project, SESSION, snapshot } from '../status/project.ts';

function looking() {
  const { cwd, write } = project();
  const one = new Looking(cwd, { XDG_STATE_HOME: cwd });
  const look = (now = Date.now()) => one.look(now);
  /** Until nothing is new: the first look also learns which processes there are. */
  const settle = () => {
    while (look().isNew);
  };
  return { write, look, settle };
}

it('reads again after each change of a file, and only then', () => {
  const { write, look, settle } = looking();
  expect(judgeStatus(look().facts.evidence).situation).toBe('none');
  settle();
  write(`run/${SESSION}.json`, instance());
  write('serve.state.json', snapshot());
  expect(judgeStatus(look().facts.evidence).situation).toBe('running');
  settle();
  const { facts } = look();
  expect(look().facts.evidence.state).toBe(facts.evidence.state);
  write('HALT', 'evening');
  expect(look()).toMatchObject({ isNew: true, facts: { halt: { reason: 'evening' } } });
  settle();
  write('serve.state.json', snapshot({ downstreams: [downstream({ name: 'other' })] }));
  expect(look().isNew).toBe(true);
});

it('goes on with the time: a gateway that writes no more is stale', () => {
  const { write, look, settle } = looking();
  write(`run/${SESSION}.json`, instance());
  write('serve.state.json', snapshot({ updated_at: fromNow(0) }));
  settle();
  const later = look(Date.now() + 60_000);
  expect([later.isNew, judgeStatus(later.facts.evidence).situation]).toEqual([false, 'stale']);
});

it('sees a gateway die although no file changes', async () => {
  const { write, look, settle } = looking();
  const child = spawn('sleep', ['1000']);
  await once(child, 'spawn');
  const identity = identify(systemReader(), child.pid ?? 0);
  if (identity === null) throw new Error('it has no identity');
  write(`run/${SESSION}.json`, instance(identity));
  write('serve.state.json', snapshot({ owner: identity }));
  settle();
  expect(judgeStatus(look().facts.evidence).situation).toBe('running');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const seen = look();
  expect([seen.isNew, judgeStatus(seen.facts.evidence).situation]).toEqual([true, 'dead']);
});

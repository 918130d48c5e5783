/** Which session ends for another client: whose, and which of theirs. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { leaver, type Standing } from '#src/main/clients/http/sessionful/eviction.ts';

interface Named extends Standing {
  readonly name: string;
}

let clock = 0;
const session = (name: string, changes: Partial<Standing> = {}): Named => ({
  name,
  principal: null,
  called: false,
  inFlight: false,
  open: false,
  lastUsed: ++clock,
  ...changes,
});
const called = { called: true };
const open = { open: true };

/** The names in the order in which they go. */
function order(sessions: readonly Named[], principal: string | null = null): string[] {
  const left = [...sessions];
  const gone: string[] = [];
  for (let next = leaver(left, principal); next !== null; next = leaver(left, principal)) {
    gone.push(next.name);
    left.splice(left.indexOf(next), 1);
  }
  return gone;
}

test('those that never called go first, then those that do not listen, each time the one unused longest', () => {
  const sessions = [
    session('listens, called', { ...called, ...open }),
    session('called', called),
    session('listens', open),
    session('waits for a list', { inFlight: true, open: true }),
    session('quiet'),
    session('in flight', { ...called, inFlight: true, open: true }),
    session('listens, called, later', { ...called, ...open }),
    session('called, later', called),
    session('quiet, later'),
    session('a task runs', { ...called, inFlight: true }),
  ];
  expect(order(sessions)).toEqual([
    'quiet',
    'quiet, later',
    'listens',
    'waits for a list',
    'called',
    'called, later',
    'listens, called',
    'listens, called, later',
  ]);
});

test('nobody goes when all have calls in flight, or there is nobody', () => {
  expect(leaver([session('one', { ...called, inFlight: true })], null)).toBeNull();
  expect(leaver([], 'somebody')).toBeNull();
});

test('the principal with the most sessions pays, whoever comes', () => {
  const of = (principal: string, ...names: string[]) =>
    names.map((name) => session(`${principal}${name}`, { principal, ...called }));
  const [a1] = [session('a1', { principal: 'a' })];
  const sessions = [...of('b', '1', '2', '3'), ...of('c', '1', '2'), ...(a1 ? [a1] : [])];
  for (const newcomer of ['a', 'b', 'c', 'somebody new']) {
    expect(leaver(sessions, newcomer)?.name, newcomer).toBe('b1');
  }
});

test('a principal with as many as any other makes room among its own', () => {
  const of = (principal: string, changes: Partial<Standing>) =>
    session(principal, { principal, ...changes });
  // The other one's never called, and are older.
  const sessions = [of('b', {}), of('b', {}), of('a', called), of('a', { ...called, ...open })];
  expect(order(sessions, 'a')[0]).toBe('a');
  const busy = [
    of('b', {}),
    of('b', {}),
    ...sessions.slice(2).map((one) => ({ ...one, inFlight: true })),
  ];
  expect(leaver(busy, 'a')).toBeNull();
  expect(leaver(busy, 'b')?.name).toBe('b');
});

test('whatever happens, a session in flight stays and nobody with fewer sessions pays', () => {
  const standing = fc.record({
    principal: fc.constantFrom(null, 'a', 'b', 'c'),
    called: fc.boolean(),
    inFlight: fc.boolean(),
    open: fc.boolean(),
    lastUsed: fc.nat(20),
  });
  fc.assert(
    fc.property(
      fc.array(standing, { maxLength: 30 }),
      fc.constantFrom(null, 'a', 'b', 'c'),
      (sessions, principal) => {
        const count = (whose: string | null) =>
          sessions.filter((one) => one.principal === whose).length;
        const goes = leaver(sessions, principal);
        const mayGo = sessions.filter(({ called: c, inFlight }) => !(c && inFlight));
        if (goes === null) {
          for (const one of mayGo) {
            expect(one.principal).not.toBe(principal);
            expect(count(one.principal)).toBeLessThanOrEqual(count(principal));
          }
          return;
        }
        expect(mayGo).toContain(goes);
        const pays = count(goes.principal);
        expect(goes.principal === principal || pays > count(principal)).toBe(true);
        for (const one of mayGo.filter((other) => other.principal === goes.principal)) {
          // Nobody who never called is spared for one who did.
          if (goes.called) expect(one.called).toBe(true);
        }
      },
    ),
  );
});

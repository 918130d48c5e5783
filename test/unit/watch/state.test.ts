/** What keys do: to what is chosen and shown, and which of them act. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Key, keyOf } from '#src/main/watch/keys.ts';
import {
  type Act,
  idOf,
  press,
  type Shown,
  START,
  settled,
  type Target,
  type WatchState,
} from '#src/main/watch/state.ts';

const target = (lane: string, gateway = 'a', isOn = true): Target => ({
  id: idOf(gateway, lane),
  server: lane.split('#')[0] ?? lane,
  lane,
  pid: 1,
  sessionId: gateway,
  isOn,
});
const THREE = [target('one'), target('two'), target('three', 'a', false)];
const shown = (targets: readonly Target[], halted = false): Shown => ({
  targets,
  halted,
  height: 5,
  canAsk: true,
});

/** Named keys in angle brackets, everything else as it is typed. */
function keys(text: string): Key[] {
  return (text.match(/<\w+>|[\s\S]/g) ?? []).map((one) => {
    const name = /^<(\w+)>$/.exec(one)?.[1];
    return (name === undefined ? { name: 'text', text: one } : { name }) as Key;
  });
}

function after(typed: string, targets = THREE, from: WatchState = START, halted = false) {
  const acts: Act[] = [];
  let state = settled(from, targets);
  for (const key of keys(typed)) {
    const [next, act] = press(state, key, shown(targets, halted));
    state = settled(next, targets);
    if (act !== null) acts.push(act);
  }
  return { state, acts };
}

describe('choosing', () => {
  it('begins with the first and ends at the ends', () => {
    expect(after('').state.chosen).toBe('a/one');
    expect(after('<down><down><down><down>').state.chosen).toBe('a/three');
    expect(after('<down><up><up>').state.chosen).toBe('a/one');
    expect(after('<end>').state.chosen).toBe('a/three');
    expect(after('<end><home>').state).toMatchObject({ chosen: 'a/one', top: 0, follow: false });
  });

  it('stays with the server when the order changes, and when its gateway is another one', () => {
    const { state } = after('<down>');
    expect(settled(state, THREE.toReversed())).toMatchObject({ chosen: 'a/two', at: 1 });
    const next = [target('zero', 'b'), target('one', 'b'), target('two', 'b')];
    expect(settled(state, next)).toMatchObject({ chosen: 'b/two', at: 2 });
  });

  it('finds the server that was asked for, or its first instance', () => {
    const asked = (name: string): WatchState => {
      return { ...START, page: 'server', chosen: idOf(null, name) };
    };
    expect(settled(asked('two'), THREE)).toMatchObject({ chosen: 'a/two', at: 1 });
    expect(settled(asked('web'), [target('one'), target('web#2')]).chosen).toBe('a/web#2');
    expect(settled(asked('none'), THREE).chosen).toBe('/none');
  });

  it('keeps one that is gone, until it is there again or another one is chosen', () => {
    const { state } = after('<down>');
    const others = [target('one'), target('three'), target('four')];
    const { acts, state: waiting } = after('re<return>', others, state);
    expect(acts.map(({ kind }) => kind)).toEqual(['say', 'say']);
    expect(waiting).toMatchObject({ chosen: 'a/two', page: 'list' });
    // As at a restart of its gateway.
    expect(settled(settled(state, []), [target('one', 'b'), target('two', 'b')])).toMatchObject({
      chosen: 'b/two',
      at: 1,
    });
    // What stands in its place now.
    expect(after('<down>r', others, state).acts).toMatchObject([
      { kind: 'restart', target: { server: 'three' } },
    ]);
    expect(after('<up>r', others, state).acts).toHaveLength(1);
  });

  it('does not go to another gateway that lives, where there are several', () => {
    const { state } = after('<down>', [target('one'), target('two')]);
    const { acts } = after('r', [target('one'), target('two', 'b')], state);
    expect(acts).toMatchObject([{ kind: 'say' }]);
  });

  it('goes to the first match while a filter is typed', () => {
    const { state } = after('<down>/t');
    expect(settled(state, [THREE[2] as Target]).chosen).toBe('a/three');
  });

  it('leaves the page of a server that is gone as it is, and no key acts on another one', () => {
    const { state } = after('<down><return>');
    const { state: still, acts } = after('re', [target('one')], state);
    expect(still).toMatchObject({ page: 'server', chosen: 'a/two' });
    expect(acts).toMatchObject([{ kind: 'say' }, { kind: 'say' }]);
  });
});

describe('keys that act', () => {
  it('restart, enable and disable the chosen server, on its page, too', () => {
    expect(after('<down>r').acts).toEqual([{ kind: 'restart', target: THREE[1] }]);
    expect(after('<down><return>r').acts).toEqual([{ kind: 'restart', target: THREE[1] }]);
    expect(after('e').acts).toEqual([{ kind: 'disable', target: THREE[0] }]);
    expect(after('<end>e').acts).toEqual([{ kind: 'enable', target: THREE[2] }]);
  });

  it('do nothing on pages that show no server, and where there is none', () => {
    expect(after('cre').acts).toEqual([]);
    expect(after('?re').acts).toEqual([]);
    expect(after('re', []).acts).toMatchObject([{ kind: 'say' }, { kind: 'say' }]);
    expect(after('<return>', []).state.page).toBe('list');
  });

  it('name the server of an instance', () => {
    const [act] = after('r', [target('files#2')]).acts;
    expect(act).toMatchObject({ kind: 'restart', target: { server: 'files' } });
  });

  it('quit, stop and draw again from everywhere, also while something is typed', () => {
    for (const before of ['', '<return>', '/a', 'fx', 'c', '?']) {
      expect(after(`${before}<quit>`).acts).toEqual([{ kind: 'quit' }]);
      expect(after(`${before}<suspend>`).acts).toEqual([{ kind: 'suspend' }]);
    }
    expect(after('q').acts).toEqual([{ kind: 'quit' }]);
    expect(after('/q').acts).toEqual([]);
  });
});

describe('the kill switch', () => {
  it('is set with a reason, and not without', () => {
    expect(after('f<return>').acts).toEqual([]);
    expect(after('f  <return>').acts).toEqual([]);
    expect(after('fr<backspace>stop it<return>').acts).toEqual([
      { kind: 'freeze', reason: 'stop it' },
    ]);
    expect(after('fstop<escape><return>').acts).toEqual([]);
  });

  it('is not asked about where the question has no room, nor goes on being asked there', () => {
    const small = { ...shown(THREE), canAsk: false };
    const [state, act] = press(START, { name: 'text', text: 'f' }, small);
    expect([state.asking, act]).toMatchObject([null, { kind: 'say' }]);
    const { state: typed } = after('fstop');
    const [next, none] = press(typed, { name: 'return' }, small);
    expect([next.asking, none]).toMatchObject([null, { kind: 'say' }]);
  });

  it('is cleared by a clear yes only', () => {
    expect(after('fy', THREE, START, true).acts).toEqual([{ kind: 'unfreeze' }]);
    for (const no of ['n', '<return>', '<escape>', ' ', '<down>']) {
      const { acts, state } = after(`f${no}`, THREE, START, true);
      expect([acts, state.asking]).toEqual([[], null]);
    }
  });

  it('is never set by chance: only Enter behind a typed reason', () => {
    const any = fc.constantFrom(
      '<up>',
      '<down>',
      '<return>',
      '<escape>',
      '<home>',
      'e',
      'r',
      's',
      'c',
      '?',
      '/',
      'x',
    );
    fc.assert(
      fc.property(fc.array(any, { maxLength: 30 }), (typed) => {
        const { acts } = after(typed.join(''));
        expect(acts.filter(({ kind }) => kind === 'freeze' || kind === 'unfreeze')).toEqual([]);
      }),
    );
  });
});

describe('filter and order', () => {
  it('filters while it is typed, keeps it with Enter, and takes it back with Escape', () => {
    expect(after('/ab<backspace>').state).toMatchObject({
      filter: 'a',
      asking: { kind: 'filter' },
    });
    expect(after('/ab<return>').state).toMatchObject({ filter: 'ab', asking: null });
    expect(after('/ab<return>/c<escape>').state).toMatchObject({ filter: 'ab', asking: null });
    expect(after('/ab<return><escape>').state.filter).toBe('');
  });

  it('bounds what is typed', () => {
    expect(after(`/${'x'.repeat(1000)}`).state.filter).toHaveLength(200);
  });

  it('goes through all orders', () => {
    expect(after('s').state.order).toBe('name');
    expect(after('sssss').state.order).toBe('urgency');
  });
});

describe('reading keys', () => {
  it('knows those of the terminal, and letters', () => {
    expect(keyOf('\u0003', { name: 'c', ctrl: true })).toEqual({ name: 'quit' });
    expect(keyOf('\u001a', { name: 'z', ctrl: true })).toEqual({ name: 'suspend' });
    expect(keyOf(undefined, { name: 'up' })).toEqual({ name: 'up' });
    expect(keyOf('\n', { name: 'enter' })).toEqual({ name: 'return' });
    expect(keyOf('é', {})).toEqual({ name: 'text', text: 'é' });
    expect(keyOf('a', { name: 'a', meta: true })).toBeNull();
    expect(keyOf(undefined, { name: 'f5' })).toBeNull();
  });

  it('takes nothing that a terminal would obey', () => {
    expect(keyOf('\u0007', { name: 'g' })).toBeNull();
    expect(keyOf('\u202e', {})).toBeNull();
  });
});

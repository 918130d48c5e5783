// Injures the gateway's threads from outside: loaded with `--import …/thread-fault.mjs?dir=DIR` in
// every thread of the process. Looks for trigger files in DIR every 20 ms; the product knows nothing
// of it. A trigger is `<kind>.<fault>`, where kind is `main` or the thread's `workerData.kind`; the
// first thread that renames it to `….taken` suffers the fault.
import { execFileSync } from 'node:child_process';
import fs, {
  appendFileSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { Session } from 'node:inspector';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { isMainThread, MessagePort, threadId, workerData } from 'node:worker_threads';

const dir = new URL(import.meta.url).searchParams.get('dir');
const kind = isMainThread ? 'main' : workerData?.kind;
let clockOffset = 0;

const faults = {
  throw() {
    throw new Error('injected: uncaught error');
  },
  reject() {
    void Promise.reject(new Error('injected: unhandled rejection'));
  },
  exit() {
    process.exit(7);
  },
  heap() {
    // Small objects in a list: one big array would bring the whole process down, not the thread.
    let head = null;
    for (;;) head = { head, a: threadId, b: [head] };
  },
  // Ends when the test removes the taken trigger, at the latest after a minute. Of main it matters only that it
  // does not turn: it leaves the CPU to what looks at it.
  loop(taken) {
    const end = performance.now() + 60_000;
    let looked = performance.now();
    while (performance.now() < end) {
      if (isMainThread) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
      if (performance.now() - looked < 100) continue;
      looked = performance.now();
      if (!existsSync(taken)) return;
    }
  },
  // Waits in a system call, using no CPU, until the test opens the pipe for writing.
  block(taken) {
    execFileSync('mkfifo', [`${taken}.pipe`]);
    openSync(`${taken}.pipe`, 'r');
  },
  // A dependency that prints.
  print() {
    setInterval(() => {
      console.log('a dependency says hello');
      console.info('and %s', 'more');
      console.debug({ deep: { object: true } });
      console.table([{ a: 1 }]);
      process.stdout.write('straight to stdout\n');
    }, 5).unref();
  },
  // Every script this thread has loaded, as the debugger sees it.
  modules() {
    const session = new Session();
    session.connect();
    const urls = new Set();
    session.on('Debugger.scriptParsed', ({ params }) => urls.add(params.url));
    session.post('Debugger.enable', () => {
      writeFileSync(join(dir, `${kind}.modules.json`), JSON.stringify([...urls]));
      session.disconnect();
    });
  },
};

if (dir !== null && kind !== undefined) {
  setInterval(() => {
    for (const name of readdirSync(dir)) {
      if (name === 'clock.back') clockOffset = -3_600_000;
      const [whom, fault] = name.split('.');
      if (whom === kind && fault in faults && name === `${kind}.${fault}`) suffer(name, fault);
    }
  }, 20).unref();
  if (isMainThread) recordPostedCalls();
  if (kind === 'supervisor') loopOnWish();
  if (kind === 'audit-writer') haveDiskOnWish();
}

function suffer(name, fault) {
  const taken = join(dir, `${name}.taken`);
  try {
    renameSync(join(dir, name), taken);
  } catch (error) {
    if (error.code === 'ENOENT') return;
    throw error;
  }
  faults[fault](taken);
}

// Output of a server that says so keeps its thread for a minute, as a pathological pattern would.
function loopOnWish() {
  const { indexOf } = Buffer.prototype;
  Buffer.prototype.indexOf = function (value, ...rest) {
    if (value === 0x0a && this.latin1Slice().includes('hold the thread')) {
      const end = performance.now() + 60_000;
      while (performance.now() < end);
    }
    return indexOf.call(this, value, ...rest);
  };
}

// Every write of the thread fails while `disk.full` exists, with the code in it, and no sync returns while
// `disk.slow` does.
function haveDiskOnWish() {
  const { writeSync, fdatasyncSync } = fs;
  fs.writeSync = (...args) => {
    if (!existsSync(join(dir, 'disk.full'))) return writeSync(...args);
    const code = readFileSync(join(dir, 'disk.full'), 'utf8') || 'ENOSPC';
    throw Object.assign(new Error(`${code}: injected, write`), {
      code,
      syscall: 'write',
      errno: -1,
    });
  };
  fs.fdatasyncSync = (descriptor) => {
    const slow = join(dir, 'disk.slow');
    if (existsSync(slow)) writeFileSync(join(dir, 'disk.waits'), '');
    while (existsSync(slow)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    return fdatasyncSync(descriptor);
  };
  syncBuiltinESMExports();
}

// One line for each call that main hands to a thread: what was refused at once leaves none.
function recordPostedCalls() {
  const post = MessagePort.prototype.postMessage;
  MessagePort.prototype.postMessage = function (message, ...rest) {
    for (const one of message?.items ?? []) {
      // A small one is packed: its kind (0 for a call), slot, incarnation, id.
      const [kind, slot, , call] = Array.isArray(one) ? one : [0, one.slot, 0, one.call];
      if (kind !== 0 || (one.type ?? 'call') !== 'call') continue;
      appendFileSync(join(dir, 'posted.log'), `${slot} ${call}\n`);
    }
    return post.call(this, message, ...rest);
  };
}

// The wall clock of this thread, set back by `clock.back`; monotonic clocks and timers go on.
const RealDate = Date;
const now = () => RealDate.now() + clockOffset;
globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
  apply: () => new RealDate(now()).toString(),
  get: (target, key, receiver) => (key === 'now' ? now : Reflect.get(target, key, receiver)),
});

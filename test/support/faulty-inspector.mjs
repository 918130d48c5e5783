// The inspector of the product, but that a definition which names a fault suffers it.
const entry = process.features.typescript
  ? 'src/workers/inspector/entry.ts'
  : 'dist/workers/inspector/entry.cjs';
const real = await import(new URL(`../../${entry}`, import.meta.url).href);

const faults = {
  loop() {
    for (;;);
  },
  exit() {
    process.exit(7);
  },
  throw() {
    throw new Error('injected');
  },
  heap() {
    let head = null;
    for (;;) head = { head, a: 1, b: [head] };
  },
};

export default function inspect(task) {
  for (const { json } of task.items) {
    const [, fault] = /"fault":"(\w+)"/.exec(Buffer.from(json).toString()) ?? [];
    faults[fault]?.();
  }
  return real.default(task);
}

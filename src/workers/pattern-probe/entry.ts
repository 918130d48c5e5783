/**
 * Tries the operator's patterns in a process of its own, which can be ended however long one takes: reads
 * `[{regex, flags}]` on stdin and writes a line of JSON for each, why it cannot be used or null, and a last one for
 * all of them together.
 */
import { readFileSync, writeSync } from 'node:fs';
import { faultTogether, patternFault } from '../../shared/platform/pattern-fault.ts';

const STDIN = 0;
const STDOUT = 1;

const patterns: readonly { readonly regex: string; readonly flags: string }[] = JSON.parse(
  readFileSync(STDIN, 'utf8'),
);
const tell = (fault: string | null) => writeSync(STDOUT, `${JSON.stringify(fault)}\n`);
const faults = patterns.map((pattern) => {
  const fault = patternFault(pattern, () => performance.now());
  tell(fault);
  return fault;
});
const sound = faults.every((fault) => fault === null);
tell(sound ? faultTogether(patterns.map((pattern) => ({ ...pattern, name: '' }))) : null);

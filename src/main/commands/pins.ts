/** `rea pins list`: which programs are pinned, and which are not started because they are not. Changes nothing. */

import { pinned } from '../../shared/machines/drift.ts';
import { ownOf, type Pins } from '../../shared/model/pins.ts';
import { clip, oneLine } from '../../shared/text/clean-text.ts';
import {
  commandPins,
  damagedLine,
  type PinsCommandOptions,
  type PinsPlace,
  pinsPlace,
} from '../pins/command-place.ts';
import { formsIn } from '../pins/definition-forms.ts';
import { pinsCommand } from '../pins/held-words.ts';
import { keyPath, readKey } from '../pins/pins-file.ts';
import { ANCHOR_COMMAND } from '../pins/program-pin.ts';
import { waitingIn } from '../pins/waiting-definitions.ts';

const LONGEST = 4096;

/** @returns the exit code: 0 all that is configured is pinned, 1 something is not, or cannot be read. */
export function runPinsList(options: PinsCommandOptions): number {
  const { stdout, stderr } = options;
  const place = pinsPlace(options);
  if (!('loaded' in place)) {
    for (const line of place) stderr.write(`${oneLine(line)}\n`);
    return 1;
  }
  const damaged = damagedLine(place);
  if (damaged !== null) {
    stderr.write(`${oneLine(damaged)}\n`);
    return 1;
  }
  const { lines, isWell } = listed(options, place);
  for (const line of lines) stdout.write(`${oneLine(clip(line, LONGEST))}\n`);
  return isWell ? 0 : 1;
}

function listed(
  options: PinsCommandOptions,
  place: PinsPlace,
): { readonly lines: readonly string[]; readonly isWell: boolean } {
  const { loaded, file, stateDir, texts } = place;
  const { servers } = loaded.config;
  if (file.kind !== 'pins' || file.pins.programs === undefined) {
    const lines = servers.map(({ name }) => `${name}  not pinned yet: ${texts(name)}`);
    const first =
      'no program is pinned here; the first start of rea serve pins all that is configured';
    return { lines: [first, ...lines], isWell: true };
  }
  const key = readKey(keyPath(stateDir));
  const { programs } = file.pins;
  if (key === null || !key.ok) {
    const why = key === null ? 'its key is gone' : key.error;
    return { lines: [`nothing can be compared: ${why}; rea pins accept --all`], isWell: false };
  }
  const pins = commandPins(options, place, key.key);
  let isWell = true;
  const lines = servers.flatMap((server) => {
    const { name, unavailable } = server;
    const written = loaded.written.get(name);
    const newest = ownOf(programs, name)?.at(-1);
    if (pins.isPinned(server, written)) {
      const any = server.pin === 'off' ? ', any program (pin: off)' : '';
      return [`${name}  pinned since ${newest?.at}${any}: ${texts(name)}`];
    }
    if (unavailable !== null) return [`${name}  not pinned, and cannot be started: ${unavailable}`];
    isWell = false;
    const before = newest?.shown;
    return [
      `${name}  NOT PINNED: ${pins.why(server, written)}`,
      `  now: ${texts(name)}`,
      ...(before === undefined ? [] : [`  pinned: ${before}`]),
    ];
  });
  lines.push(...servers.flatMap(({ name }) => definitionLines(file.pins, name)));
  const configured = new Set(servers.map(({ name }) => name));
  const others = Object.keys(programs).filter(
    (name) => !configured.has(name) && name !== ANCHOR_COMMAND,
  );
  const gone = others.map((name) => `${name}  pinned, and not configured now`);
  // What the policy of the project says and does not hold.
  const warnings = pins.inForce(place.policy).warnings.slice(place.policy.warnings.length);
  return { lines: [...lines, ...gone, ...warnings], isWell: isWell && warnings.length === 0 };
}

/** How much of what a server tells is pinned, and how much of it waits. */
function definitionLines(pins: Pins, server: string): string[] {
  const all = [...formsIn(pins, server)].filter(([key]) => key.includes('/'));
  if (all.length === 0) return [];
  const waiting = waitingIn(pins, server, []).length;
  const waits = waiting === 0 ? '' : `; ${waiting} waiting: ${pinsCommand('diff', server, null)}`;
  const known = all.filter(([, forms]) => pinned(forms).length > 0).length;
  return [`${server}  ${known} definitions pinned${waits}`];
}

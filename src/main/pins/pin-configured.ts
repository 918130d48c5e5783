/** Pins all that a configuration has, for a command by which a person has written it. */
import { recordCommand } from '../audit/command-records.ts';
import { notRecorded } from '../audit/recorded.ts';
import { prepareStateDirectory } from '../processes/state-directory.ts';
import { commandPins, damagedLine, type PinsCommandOptions, pinsPlace } from './command-place.ts';
import { acceptedEvent, acceptedOf, pinnable, pinPrograms } from './pin-programs.ts';
import { pinsKey } from './pins-file.ts';

type Options = Pick<PinsCommandOptions, 'cwd' | 'config' | 'env'>;

/** @param by the command. @returns one line that says why it is not pinned, or null. */
export async function pinConfigured(options: Options, by: string): Promise<string | null> {
  const place = pinsPlace(options);
  if (!('loaded' in place)) return `nothing is pinned: ${place[0] ?? 'it cannot be read'}`;
  const damaged = damagedLine(place);
  if (damaged !== null) return damaged;
  const servers = pinnable(place.loaded.config.servers, place.loaded.written);
  if (servers.length === 0) return null;
  const state = prepareStateDirectory(place.place);
  if (!state.ok) return `nothing is pinned: ${state.error}`;
  const key = pinsKey(state.dir);
  if (!key.ok) return key.error;
  const pins = commandPins(options, place, key.key);
  const accepted = acceptedOf(servers, place.loaded.written, place.texts, (...one) =>
    pins.pinOf(...one),
  );
  const recorded = recordCommand(place.place, acceptedEvent(accepted, by));
  if (recorded.kind === 'failed' && recorded.refuse) return notRecorded(recorded);
  const written = await pinPrograms(state.dir, accepted);
  return written.ok ? notRecorded(recorded) : written.error;
}

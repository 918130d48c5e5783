/**
 * Finds the servers for a method that the gateway does not know, by what they advertise: the method's
 * first word is a capability, or the method belongs to an extension. Pure.
 */
import { members } from '../../shared/json/json-slice.ts';
import type { ServerProfile } from '../../shared/model/server.ts';
import { TASKS_EXTENSION } from '../../shared/model/task-handles.ts';
import type { KnownServer } from './profiles.ts';

const NOTIFICATION = 'notifications/';
/** UTF-16 units; longer keys are ignored, no method begins with one. */
const MAX_KEY = 1024;
/** Kept: a server may advertise much, and a client may ask often. */
const known = new WeakMap<ServerProfile, readonly string[]>();

/** Names of the servers that advertise what the method belongs to. */
export function serversFor(method: string, servers: readonly KnownServer[]): string[] {
  const name = method.startsWith(NOTIFICATION) ? method.slice(NOTIFICATION.length) : method;
  return servers
    .filter(({ profile }) => keysOf(profile).some((key) => belongs(name, key)))
    .map(({ config }) => config.name);
}

/** `ui/open` belongs to `ui` and to `io.modelcontextprotocol/ui`; `com.example/x/get` to `com.example/x`. */
function belongs(method: string, key: string): boolean {
  const short = key.slice(key.lastIndexOf('/') + 1);
  return [key, short].some((one) => one !== '' && (method === one || method.startsWith(`${one}/`)));
}

/** Names of a server's capabilities, and ids of its extensions and experiments. */
function keysOf(profile: ServerProfile): readonly string[] {
  const keys = known.get(profile) ?? readKeys(profile);
  known.set(profile, keys);
  return keys;
}

function readKeys({ capabilities }: ServerProfile): string[] {
  const bytes = Buffer.from(capabilities);
  const keys = members(bytes, [0, bytes.length]).flatMap(({ key, value }) =>
    key === 'extensions' || key === 'experimental'
      ? members(bytes, value).map((inner) => inner.key)
      : [key],
  );
  // Requests about tasks go by the id of the task, and by nothing else.
  return keys.filter((key) => key.length <= MAX_KEY && key !== TASKS_EXTENSION);
}

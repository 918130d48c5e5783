/**
 * Lists the modules that a thread has loaded: the inspector knows every script that V8 has parsed, ES modules
 * and CommonJS alike. Slow and rarely called; changes nothing.
 */
import { createRequire } from 'node:module';

/** File URLs and paths of the scripts of the calling thread; Node's own are left out. */
export function loadedModules(): string[] {
  // Loaded on demand, because otherwise every thread would carry it.
  const { Session } = createRequire(import.meta.url)(
    'node:inspector',
  ) as typeof import('node:inspector');
  const session = new Session();
  const urls = new Set<string>();
  session.connect();
  session.on('Debugger.scriptParsed', ({ params: { url } }) => {
    if (url !== '' && !url.startsWith('node:') && !url.startsWith('evalmachine.')) urls.add(url);
  });
  session.post('Debugger.enable');
  session.disconnect();
  return [...urls].sort();
}

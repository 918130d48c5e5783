/** Opens an address in the browser of a desktop. That it works is not known: the address is always printed, too. */
import { spawn } from 'node:child_process';

/** @returns false: there is no desktop here. */
export function openBrowser(url: string, env: NodeJS.ProcessEnv, platform: string): boolean {
  const program = programOf(env, platform);
  if (program === null) return false;
  // The address begins with https:// or http://, so it is never taken for an option.
  const child = spawn(program, [url], { stdio: 'ignore', detached: true });
  child.on('error', () => undefined);
  child.unref();
  return true;
}

function programOf(env: NodeJS.ProcessEnv, platform: string): string | null {
  // Over ssh the browser would open on the other machine.
  if ((env['SSH_CONNECTION'] ?? '') !== '') return null;
  if (platform === 'darwin') return 'open';
  const hasDesktop = [env['DISPLAY'], env['WAYLAND_DISPLAY']].some((one) => (one ?? '') !== '');
  return platform === 'linux' && hasDesktop ? 'xdg-open' : null;
}

/** The browser of a desktop. Whether it shows anything is not known here, so each address is printed, too. */
import { spawn } from 'node:child_process';

/** The program that opens an address; null: nobody sits at a desktop here. */
export function browserOpener(env: NodeJS.ProcessEnv, platform: string): string | null {
  const isSet = (name: string) => (env[name] ?? '') !== '';
  // Over ssh the browser would open on the other machine.
  if (isSet('SSH_CONNECTION')) return null;
  if (platform === 'darwin') return 'open';
  return platform === 'linux' && (isSet('DISPLAY') || isSet('WAYLAND_DISPLAY')) ? 'xdg-open' : null;
}

/** @param address begins with a scheme, so it is never taken for an option. @returns why it did not start, or null. */
export function openInBrowser(opener: string, address: string): Promise<Error | null> {
  return new Promise((resolve) => {
    const child = spawn(opener, [address], { stdio: 'ignore', detached: true });
    child.once('error', resolve);
    child.once('spawn', () => {
      child.unref();
      resolve(null);
    });
  });
}

/**
 * How tests start the real `rea`: the sources where Node runs TypeScript, else the compiled output
 * that the run's global setup has built. Never through npm or a shell.
 */
import { fileURLToPath } from 'node:url';

/** Program and leading arguments; append the command and its options. */
export function reaCommand(): { command: string; args: string[] } {
  const target = process.env['TEST_TARGET'] ?? (runsTypeScript() ? 'src' : 'dist');
  const entry = target === 'dist' ? 'dist/main/index.js' : 'src/main/index.ts';
  return {
    command: process.execPath,
    args: [fileURLToPath(new URL(`../../${entry}`, import.meta.url))],
  };
}

function runsTypeScript(): boolean {
  return Boolean((process.features as { typescript?: unknown }).typescript);
}

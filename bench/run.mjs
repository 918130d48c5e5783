// Runs main.ts or report.ts with a Node that understands TypeScript: this one from 22.18 on, else one
// that npx fetches. The gateway under test runs on this Node unless `--node` names another.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const [first, ...rest] = process.argv.slice(2);
const isReport = first === 'report';
const program = fileURLToPath(new URL(isReport ? 'report.ts' : 'main.ts', import.meta.url));
const given = isReport ? rest : process.argv.slice(2);
const args = isReport || given.includes('--node') ? given : [...given, '--node', process.execPath];

const child = process.features.typescript
  ? spawn(process.execPath, [program, ...args], { stdio: 'inherit' })
  : spawn('npx', ['--yes', '--package', 'node@24', 'node', program, ...args], { stdio: 'inherit' });
// The program cleans up first and then ends; a terminal's Ctrl-C reaches it without our help.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => signal !== 'SIGINT' && child.kill(signal));
}
child.on('exit', (code, signal) => {
  process.exitCode = signal === null ? code : 1;
});

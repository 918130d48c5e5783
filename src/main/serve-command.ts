/** The command line of `rea serve`; what it needs is loaded when it runs. */
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { type CommonOptions, places, stateDirOption } from './command-places.ts';
import type { ReloadMode } from './gateway/reload.ts';
import { duration } from './option-values.ts';

interface ServeOptions extends CommonOptions {
  readonly http?: string;
  readonly tokenFile?: string;
  /** False with `--no-token`. */
  readonly token: boolean;
  readonly stateDir?: string;
  readonly trustConfig?: true;
  readonly stdio?: boolean;
  readonly shared?: true;
  readonly detached?: true;
  readonly discover?: true;
  readonly allowHost: readonly string[];
  readonly grace: number;
  readonly drainDelay: number;
  readonly reload: ReloadMode;
  /** False with `--no-log-file`. */
  readonly logFile: boolean;
}

/** @param done takes the exit code, and whether the process ends at once. */
export function addServeCommand(program: Command, done: (code: number, ends: true) => void): void {
  program
    .command('serve')
    .description('run the gateway, over stdio unless --http is given')
    .option('--http <[host:]port>', 'serve Streamable HTTP at /mcp; default host 127.0.0.1')
    .option(
      '--token-file <file>',
      'bearer tokens of the HTTP clients, one on each line; else rea makes one',
    )
    .option('--no-token', 'let every program of this machine connect over HTTP, without a token')
    .addOption(stateDirOption())
    .option(
      '--allow-host <name>',
      'a further name that clients may reach it by over HTTP, like mcp.example.com; may be repeated',
      (name: string, names: string[]) => [...names, name],
      [],
    )
    .option('--stdio', 'serve stdio too when --http is given')
    .option(
      '--shared',
      'over stdio: join the gateway that other sessions of this directory share, or start it',
    )
    .addOption(new Option('--detached').hideHelp())
    .addOption(new Option('--discover').hideHelp())
    .option('--trust-config', 'use configuration files that other users can change')
    .option('--grace <ms>', 'time for calls in flight at a stop, like 5000 or 5s', duration, 5000)
    .option(
      '--drain-delay <ms>',
      'time between a signal to stop and the stop, in which /readyz says 503 and all else goes on',
      duration,
      0,
    )
    .addOption(
      new Option(
        '--reload <mode>',
        'what a changed file does by itself: auto = all, ask = all but programs that nobody has accepted, off = nothing before SIGHUP',
      )
        .choices(['auto', 'ask', 'off'] satisfies ReloadMode[])
        .default('ask'),
    )
    .option('--no-log-file', 'keep the log out of .rea/log; it is on stderr all the same')
    .action(async (_options: unknown, command: Command) => {
      const { http, tokenFile, token, stateDir, trustConfig, stdio, reload, logFile, ...others } =
        command.optsWithGlobals<ServeOptions>();
      const { allowHost, grace, drainDelay, shared, detached, discover, ...common } = others;
      const state = stateDir === undefined ? {} : { stateDir: resolve(stateDir) };
      if (discover === true) {
        const { runDiscover } = await import('./commands/discover.ts');
        const options = { ...places(common), ...state, trustConfig: trustConfig === true };
        done(runDiscover(options), true);
        return;
      }
      if (shared === true) {
        if (http !== undefined) {
          command.error('--shared is for clients over stdio, which --http does not serve');
        }
        const { runShared } = await import('./commands/shared.ts');
        done(
          await runShared({
            ...places(common),
            ...state,
            args: [
              ...(trustConfig === true ? ['--trust-config'] : []),
              '--grace',
              String(grace),
              '--reload',
              reload,
              ...(logFile ? [] : ['--no-log-file']),
            ],
          }),
          true,
        );
        return;
      }
      const { runServe } = await import('./commands/serve.ts');
      done(
        await runServe({
          ...places(common),
          ...(http === undefined ? {} : { http }),
          ...(tokenFile === undefined ? {} : { tokenFile: resolve(tokenFile) }),
          noToken: !token,
          ...state,
          trustConfig: trustConfig === true,
          stdio: stdio === true || http === undefined,
          detached: detached === true,
          allowedHosts: allowHost,
          graceMs: grace,
          drainDelayMs: drainDelay,
          reload,
          logFile,
        }),
        true,
      );
    });
}

/** `rea serve --shared`: joins the client on stdin and stdout to the gateway that sessions share. */
import { randomUUID } from 'node:crypto';
import { oneLine } from '../../shared/text/clean-text.ts';
import { ownToken, ownTokenPath } from '../clients/http/own-token.ts';
import { configCandidates } from '../config/default-files.ts';
import { pinsKey } from '../pins/pins-file.ts';
import { prepareStateDirectory } from '../processes/state-directory.ts';
import { discovered } from '../relay/discover.ts';
import { Reach } from '../relay/reach.ts';
import { startRelay } from '../relay/relay.ts';

export interface SharedOptions {
  /** Absolute. */
  readonly cwd: string;
  readonly config?: string;
  readonly stateDir?: string;
  /** What the gateway that is started is given besides. */
  readonly args: readonly string[];
}

const ALONE = 'without --shared this session gets a gateway of its own';

/** Resolves with the exit code. */
export async function runShared({ cwd, config, stateDir, args }: SharedOptions): Promise<number> {
  const say = (text: string) => process.stderr.write(`rea: ${oneLine(text)}\n`);
  const { env } = process;
  const state = prepareStateDirectory({
    cwd,
    env,
    ...(stateDir === undefined ? {} : { chosen: stateDir }),
  });
  if (!state.ok) {
    say(`${state.error}; ${ALONE}`);
    return 1;
  }
  const [token, key] = [ownToken(state.dir), pinsKey(state.dir)];
  if (!token.ok || !key.ok) {
    say(`${token.ok ? (key.ok ? '' : key.error) : token.message}; ${ALONE}`);
    return 1;
  }
  const serving = [
    '--cwd',
    cwd,
    ...(config === undefined ? [] : ['--config', config]),
    'serve',
    ...(stateDir === undefined ? [] : ['--state-dir', stateDir]),
    ...args,
  ];
  const reach = new Reach({
    cwd,
    configs: configCandidates(cwd, config),
    stateDir: state.dir,
    tokenFile: ownTokenPath(state.dir),
    key: key.key,
    env,
    args: [...serving, '--detached'],
    say,
  });
  const relay = startRelay({
    stdin: process.stdin,
    stdout: process.stdout,
    reach: () => reach.gateway(),
    find: () => reach.existing(),
    discover: () => discovered(cwd, [...serving, '--discover']),
    say,
    ownIds: `rea-${randomUUID()}`,
  });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => relay.stop());
  }
  return relay.finished;
}

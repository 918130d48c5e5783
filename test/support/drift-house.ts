/** A project with a server whose definitions the test changes, between the runs of a gateway and in one. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stateDirectory } from '#src/main/processes/state-directory.ts';
import { environment, runRea } from './rea-command.ts';
import { makeDirectory, type Rea, type ReaOptions, startRea } from './rea-process.ts';
import type { Run } from './run-program.ts';
import { fixture, registry } from './servers.ts';

export interface Definitions {
  readonly tools?: readonly object[];
  readonly prompts?: readonly object[];
  readonly templates?: readonly object[];
  readonly instructions?: string;
}

export class DriftHouse {
  readonly dir = makeDirectory();
  readonly #file = join(this.dir, 'definitions.json');
  readonly #policy: string | null;
  readonly #others: Parameters<typeof registry>[0];
  readonly #options: Readonly<Record<string, unknown>>;

  /** @param policy text of the project's policy after its version. */
  constructor({
    policy = null,
    others = {},
    options = {},
  }: {
    readonly policy?: string | null;
    readonly others?: Parameters<typeof registry>[0];
    readonly options?: Readonly<Record<string, unknown>>;
  } = {}) {
    this.#policy = policy;
    this.#others = others;
    this.#options = options;
  }

  tells(definitions: Definitions): void {
    writeFileSync(this.#file, JSON.stringify(definitions));
  }

  setPolicy(policy: string): void {
    mkdirSync(join(this.dir, '.rea'), { recursive: true });
    writeFileSync(join(this.dir, '.rea', 'policy.yaml'), `version: "1"\n${policy}\n`);
  }

  /** Starts a gateway and waits until the server is ready and has listed everything. */
  async serve(how: Partial<ReaOptions> = {}): Promise<Rea> {
    const rea = await this.start({}, how);
    await rea.waitForPhase('s', 'ready');
    if (how.initialize !== false) await rea.tools();
    return rea;
  }

  /** Starts a gateway. @param defaults of its configuration. */
  start(
    defaults: Readonly<Record<string, unknown>> = {},
    how: Partial<ReaOptions> = {},
  ): Promise<Rea> {
    if (this.#policy !== null) this.setPolicy(this.#policy);
    const server = fixture(
      'drifts',
      '--definitions',
      this.#file,
      '--gate',
      this.gate,
      '--hang-while',
      this.#hang,
      '--journal',
      this.#journal,
    );
    const config = registry({ s: { ...server, ...this.#options }, ...this.#others }, defaults);
    return startRea({ cwd: this.dir, config, ...how });
  }

  /** From now on the server does not answer `initialize`. */
  hangs(): void {
    writeFileSync(this.#hang, '');
  }

  get #hang(): string {
    return join(this.dir, 'hang');
  }

  get gate(): string {
    return join(this.dir, 'gate');
  }

  get #journal(): string {
    return join(this.dir, 'journal');
  }

  get stateDir(): string {
    return stateDirectory({ cwd: this.dir, env: environment() });
  }

  /** Names of the tools that were called at the server. */
  called(): string[] {
    if (!existsSync(this.#journal)) return [];
    const lines = readFileSync(this.#journal, 'utf8').split('\n');
    const calls = lines.filter((line) => line.includes('"tools/call"'));
    return calls.map((line) => JSON.parse(line).params.name);
  }

  pins(...args: readonly string[]): Promise<Run> {
    return runRea(['pins', ...args, '--cwd', this.dir]);
  }

  /** Records of the audit log with this event. */
  audited(
    event: string,
  ): { readonly server_name: string; readonly status: string; readonly metadata: any }[] {
    const dir = join(this.dir, '.rea');
    const files = readdirSync(dir).filter((name) => name.startsWith('audit-'));
    const lines = files.flatMap((name) => readFileSync(join(dir, name), 'utf8').trim().split('\n'));
    return lines.map((line) => JSON.parse(line)).filter(({ metadata }) => metadata.event === event);
  }
}

/** Names of the server's tools that are listed. */
export async function listed(rea: Rea): Promise<string[]> {
  return (await rea.tools()).map(({ name }) => name).filter((name) => name.startsWith('s__'));
}

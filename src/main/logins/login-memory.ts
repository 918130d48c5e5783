/**
 * What the gateway knows of its logins: the files, and tokens that could not be written, which are the only good
 * ones until they are. Files that change meanwhile count more: somebody has logged in, or out.
 */
import { keyOf } from './holders.ts';
import { type LoginRecord, type LoginServer, readLogin, writeLogin } from './record.ts';

/** From now on nobody may see these. @param server its name. */
export type TellTokens = (server: string, tokens: readonly string[]) => void;

interface Unwritten {
  readonly server: LoginServer;
  readonly record: LoginRecord;
  /** What the file had. */
  readonly former: string;
}

export class LoginMemory {
  readonly #stateDir: string;
  readonly #onSecrets: TellTokens;
  readonly #unwritten = new Map<string, Unwritten>();
  readonly #told = new Map<string, string>();

  /** @param stateDir absolute. */
  constructor(stateDir: string, onSecrets: TellTokens) {
    this.#stateDir = stateDir;
    this.#onSecrets = onSecrets;
  }

  /** Null: nobody has logged in. Text: why it cannot be used. Writes what is not written yet. */
  read(server: LoginServer): LoginRecord | string | null {
    const read = readLogin(this.#stateDir, server);
    const unwritten = this.#unwritten.get(keyOf(server));
    if (read.kind === 'none') return this.#forget(server);
    if (read.kind === 'unusable') return unwritten?.record ?? read.why;
    if (unwritten === undefined) return this.#tell(server, read.record);
    if (read.record.access_token !== unwritten.former) {
      this.#unwritten.delete(keyOf(server));
      return this.#tell(server, read.record);
    }
    this.write(server, unwritten.record, unwritten.former);
    return unwritten.record;
  }

  /** @param former the access token that the file has. @returns why it is only in memory, in one line, or null. */
  write(server: LoginServer, record: LoginRecord, former: string): string | null {
    this.#tell(server, record);
    const problem = writeLogin(this.#stateDir, server, record);
    if (problem === null) this.#unwritten.delete(keyOf(server));
    else this.#unwritten.set(keyOf(server), { server, record, former });
    return problem;
  }

  /** @returns why nothing could be written now, in one line, or null. */
  proveWritable(server: LoginServer, record: LoginRecord): string | null {
    return writeLogin(this.#stateDir, server, record);
  }

  /** @returns whether all is on the disk now. */
  writeAgain(): boolean {
    for (const { server } of this.#unwritten.values()) this.read(server);
    return this.#unwritten.size === 0;
  }

  #forget(server: LoginServer): null {
    this.#unwritten.delete(keyOf(server));
    this.#told.delete(keyOf(server));
    return null;
  }

  #tell(server: LoginServer, record: LoginRecord): LoginRecord {
    const { access_token: token, refresh_token: refresh, client_secret: secret } = record;
    if (this.#told.get(keyOf(server)) !== token) {
      this.#told.set(keyOf(server), token);
      const secrets = [secret, refresh, token].filter((one) => one !== null);
      this.#onSecrets(server.name, secrets);
    }
    return record;
  }
}

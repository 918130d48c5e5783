/**
 * The page of a gateway: a listener and its token, which come with `rea ui` and end when nobody looks any more. Until then
 * there is nothing: no port, no timer, no file.
 */
import { randomBytes } from 'node:crypto';
import { bestEffort, errorText } from '../../shared/platform/errno.ts';
import { removeFile, writeWholeFile } from '../../shared/platform/safe-file.ts';
import type { ControlLog, PageDoor, PageOpened } from '../operator/control-options.ts';
import type { Operable } from '../operator/operable.ts';
import { pageTokenPath } from '../operator/place.ts';
import type { Found } from '../operator/reach.ts';
import { listenForPages, type PageListener } from './listener.ts';
import { Looks } from './looks.ts';
import { pageRoutes } from './routes.ts';

/** By it a token is known as one, wherever it turns up: see `shared/text/redact-patterns`. */
const PREFIX = 'rea_ui_';

export interface UiOptions {
  readonly operable: Operable;
  /** Absolute directory that `.rea` lies in. */
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly stateDir: string;
  /** It has a new token. */
  readonly onToken: (token: string) => void;
  readonly idleMs: number;
  readonly log: ControlLog;
  readonly self: () => Found | null;
}

export class Ui implements PageDoor {
  readonly #options: UiOptions;
  #listener: Promise<PageListener | string> | null = null;
  /** The last one: it is taken again where it is free. */
  #port = 0;

  constructor(options: UiOptions) {
    this.#options = options;
  }

  async open(): Promise<PageOpened> {
    this.#listener ??= this.#listen();
    const listener = await this.#listener;
    if (typeof listener === 'string') {
      this.#listener = null;
      return { ok: false, message: listener };
    }
    listener.touch();
    this.#port = listener.port;
    const { stateDir, operable } = this.#options;
    return {
      ok: true,
      port: listener.port,
      tokenFile: pageTokenPath(stateDir, operable.sessionId),
    };
  }

  async close(): Promise<void> {
    const listener = await this.#listener;
    if (listener !== null && typeof listener !== 'string') await listener.close();
  }

  async #listen(): Promise<PageListener | string> {
    const { stateDir, operable, onToken, idleMs, log, self, cwd, env } = this.#options;
    // Whoever gets the port when it is free again can read what an old page keeps: its token must be worth nothing then.
    const token = `${PREFIX}${randomBytes(32).toString('hex')}`;
    onToken(token);
    const file = pageTokenPath(stateDir, operable.sessionId);
    try {
      writeWholeFile(file, `${token}\n`, 'replace');
    } catch (error) {
      return `${file} cannot be written: ${errorText(error)}`;
    }
    const looks = new Looks({ operable, cwd, env });
    const listener = await listenForPages({
      token,
      port: this.#port,
      idleMs,
      log,
      answer: pageRoutes({ operable, looks, log, self }),
      onClosed: () => {
        this.#listener = null;
        void looks.close();
        bestEffort(() => void removeFile(file));
      },
    });
    if (typeof listener === 'string') await looks.close();
    return listener;
  }
}

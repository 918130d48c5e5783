/**
 * The page of a gateway: a listener and its token, which come with `rea ui` and end when nobody looks any more. Until then
 * there is nothing: no port, no timer, no file.
 */
import { randomBytes } from 'node:crypto';
import { bestEffort, errorText } from '../../shared/platform/errno.ts';
import { removeFile, writeWholeFile } from '../../shared/platform/safe-file.ts';
import type { ControlLog, PageDoor, PageOpened } from '../operator/control-options.ts';
import type { Operable } from '../operator/operable.ts';
import { pageOpenerPath, pageTokenPath } from '../operator/place.ts';
import type { Found } from '../operator/reach.ts';
import { type Document, pageDocument } from './document.ts';
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
  /** Read together with this code: after an upgrade another page would ask for what is not served here. */
  readonly #document: Document = pageDocument();
  /** Never taken again: what an old tab, or another program in between, has left for it there could read a new token. */
  readonly #usedPorts = new Set<number>();
  #listener: Promise<PageListener | string> | null = null;

  constructor(options: UiOptions) {
    this.#options = options;
  }

  async open(): Promise<PageOpened> {
    this.#listener ??= this.#listen();
    const mine = this.#listener;
    const listener = await mine;
    if (typeof listener === 'string') {
      // Whoever asked after it has failed has another one.
      if (this.#listener === mine) this.#listener = null;
      return { ok: false, message: listener };
    }
    listener.touch();
    return { ok: true, port: listener.port, tokenFile: this.#tokenFile };
  }

  async close(): Promise<void> {
    const listener = await this.#listener;
    if (listener !== null && typeof listener !== 'string') await listener.close();
  }

  get #tokenFile(): string {
    const { stateDir, operable } = this.#options;
    return pageTokenPath(stateDir, operable.sessionId);
  }

  /** Never rejects. @returns why there is none, in words. */
  async #listen(): Promise<PageListener | string> {
    const { operable, onToken, idleMs, log, self, cwd, env } = this.#options;
    // Whoever gets the port when it is free again can read what an old page keeps: its token must be worth nothing then.
    const token = `${PREFIX}${randomBytes(32).toString('hex')}`;
    onToken(token);
    const file = this.#tokenFile;
    let looks: Looks | null = null;
    const end = () => {
      this.#listener = null;
      void looks?.close();
      for (const one of [file, pageOpenerPath(file)]) bestEffort(() => void removeFile(one));
    };
    try {
      writeWholeFile(file, `${token}\n`, 'replace');
      looks = new Looks({ operable, cwd, env });
      const listener = await listenForPages({
        token,
        document: this.#document,
        isUsed: (port) => this.#usedPorts.has(port),
        idleMs,
        log,
        answer: pageRoutes({ operable, looks, log, self }),
        onClosed: end,
      });
      if (typeof listener === 'string') end();
      else this.#usedPorts.add(listener.port);
      return listener;
    } catch (error) {
      end();
      return `the page cannot be served: ${errorText(error)}`;
    }
  }
}

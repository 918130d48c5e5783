/** The definitions of servers in a gateway: their pins, where these are kept, and who is told of a change. */
import type { DefinitionMode } from '../../shared/machines/drift.ts';
import type { ServerConfig } from '../../shared/model/config.ts';
import type { DefinitionsRecord } from '../../shared/model/snapshot.ts';
import type { ServerTool } from '../../shared/protocol/inspect.ts';
import { cleanForTerminal, clip } from '../../shared/text/clean-text.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import { tellDrift } from '../audit/drift-events.ts';
import type { Catalogs } from '../catalog/catalogs.ts';
import { DefinitionPins, type HeldDefinition } from '../catalog/pins.ts';
import { InspectorPool } from '../inspector/pool.ts';
import { DefinitionStore } from '../pins/definition-store.ts';
import { DefinitionTexts } from '../pins/definition-texts.ts';
import { pinsCommand, reasonWords, softRules } from '../pins/held-words.ts';
import type { Fleet } from '../servers/fleet.ts';
import type { GatewayOptions } from './options.ts';

const MOST_SHOWN = 64;
const LONGEST_NAME = 64;
const LONGEST_WHY = 400;
/** A change that nobody had to accept is shown for so long. */
const CHANGED_MS = 7 * 24 * 60 * 60 * 1000;

/** The other parts that take part. */
interface DefinitionsParts {
  readonly audit: Pick<AuditLog, 'event'>;
  readonly catalogs: Pick<Catalogs, 'shared'>;
  readonly fleet: () => Pick<Fleet, 'all'>;
  /** What is withheld of some server is another set now: what waits for one that is is refused. */
  readonly onHeld: () => void;
}

export class Definitions {
  readonly pins: DefinitionPins;
  readonly #parts: DefinitionsParts;
  readonly #store: DefinitionStore;
  readonly #inspector: InspectorPool;
  readonly #texts: DefinitionTexts | null;

  constructor(
    { log, secrets, stateDir }: GatewayOptions,
    mode: DefinitionMode,
    parts: DefinitionsParts,
  ) {
    const warn = (line: string) => log.warn(line);
    this.#parts = parts;
    this.#store = new DefinitionStore({ stateDir, warn });
    const hide = (text: string) => secrets.redacted(text);
    this.#texts = stateDir === null ? null : new DefinitionTexts({ stateDir, hide, warn });
    const { audit, catalogs } = parts;
    const inspector = new InspectorPool({ log, tools: () => toolsIn(catalogs.shared) });
    this.#inspector = inspector;
    this.pins = new DefinitionPins({
      mode,
      store: this.#store,
      texts: this.#texts,
      judge: inspector,
      catalog: () => catalogs.shared,
      onSettled: (settled) => tellDrift(settled, audit, log),
      onHeld: (name) => {
        for (const server of parts.fleet().all()) {
          if (server.config.name === name) server.rulesChanged();
        }
        parts.onHeld();
      },
      onLate: (name) => this.#reconsider(name),
    });
    const named = this.#store.names();
    this.#texts?.prune((hash) => named.has(hash));
  }

  /** Looks whether a command or another gateway has written the pins. */
  look(): void {
    if (this.#store.look()) this.#reconsider();
  }

  setMode(mode: DefinitionMode): void {
    if (mode === this.pins.mode) return;
    this.pins.setMode(mode);
    this.#reconsider();
  }

  /** These are about to start. What one tells for the first time is listed when it has been judged. */
  expect(servers: readonly Pick<ServerConfig, 'name' | 'pin'>[]): void {
    if (this.pins.mode === 'off') return;
    const isNew = servers.some(
      ({ name, pin }) => pin !== 'off' && this.#store.formsOf(name).size === 0,
    );
    if (isNew) this.#inspector.expect();
  }

  /** What is withheld of what the servers have told. */
  held(): HeldDefinition[] {
    return this.pins.held(this.#parts.fleet().all());
  }

  /** For the instructions of `initialize`. Without names: these may be the very text that is withheld. */
  notes(): string[] {
    const held = this.held();
    return [...new Set(held.map(({ server }) => server))].map((server) => {
      const count = held.filter((one) => one.server === server).length;
      const what = count === 1 ? 'One definition' : `${count} definitions`;
      const commands = `${pinsCommand('diff', server, null)}, then ${pinsCommand('accept', server, null)}`;
      return `${what} of server ${server} (tools, prompts, resource templates or instructions) is not listed until a person has looked at it: ${commands}`;
    });
  }

  /** For the state file. */
  record(): DefinitionsRecord {
    const held = this.held();
    const withheld = held.slice(0, MOST_SHOWN).map(({ server, kind, name, form }) => ({
      server,
      kind,
      name: clip(cleanForTerminal(name), LONGEST_NAME),
      hash: form.hash,
      why: clip(cleanForTerminal(reasonWords(form)), LONGEST_WHY),
      since: form.at,
    }));
    const servers = new Set(
      this.#parts
        .fleet()
        .all()
        .map(({ config }) => config.name),
    );
    const from = Date.now() - CHANGED_MS;
    const changed = this.#store.changed(from);
    const warned = this.pins.warned(this.#parts.fleet().all());
    const findings = warned.filter(({ form }) => Date.parse(form.at) >= from).slice(0, MOST_SHOWN);
    return {
      withheld,
      more: held.length - withheld.length,
      changed: changed.filter(({ server }) => servers.has(server)).slice(0, MOST_SHOWN),
      findings: findings.map(({ server, kind, name, form }) => ({
        server,
        kind,
        name: clip(cleanForTerminal(name), LONGEST_NAME),
        rules: softRules(form),
        since: form.at,
      })),
    };
  }

  async close(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    });
    this.pins.close();
    const written = async () => {
      await this.#store.close();
      await this.#texts?.done();
      await this.#inspector.stop();
    };
    await Promise.race([written(), late]);
    clearTimeout(timer);
  }

  /** @param only what servers of this name have told. */
  #reconsider(only?: string): void {
    for (const server of this.#parts.fleet().all()) {
      if (only === undefined || server.config.name === only) this.pins.reconsider(server);
    }
  }
}

/** Of all servers, as far as they are listed. */
function toolsIn(catalog: Catalogs['shared']): ServerTool[] {
  return catalog.names.flatMap((server) =>
    catalog.toolsOf(server).map(({ key: name }) => ({ server, name })),
  );
}

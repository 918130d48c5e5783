/** The corpus of tool definitions, and which fifth of it is held out; see test/fixtures/poison/README.md. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { judgeDefinition } from '#src/workers/inspector/rules/judge-definition.ts';
import { foreignTools } from '#src/workers/inspector/rules/shadowing.ts';

export type Side = 'malicious' | 'benign' | 'hard-negative';

export interface Entry {
  readonly id: string;
  readonly class: string;
  readonly source: string;
  readonly server: string;
  readonly kind: string;
  readonly definition: { readonly name?: string };
  /** Tools that other servers have. */
  readonly others?: readonly string[];
}

/** What the rules say of a definition, in the order of their sternness. */
export const NOTHING = 0;
export const SOFT = 1;
export const HARD = 2;

export function corpus(side: Side): Entry[] {
  const directory = new URL(`../fixtures/poison/${side}/`, import.meta.url);
  const names = readdirSync(directory).filter((name) => name.endsWith('.json'));
  return names
    .sort()
    .flatMap((name) => JSON.parse(readFileSync(new URL(name, directory), 'utf8')) as Entry[]);
}

export function isHeldOut(side: Side, { id }: Entry): boolean {
  const counted = side === 'malicious' ? (id.split('.')[0] ?? id) : id;
  const hash = createHash('sha256').update(counted).digest();
  return hash.readUInt32BE(0) % 5 === 0;
}

/** Names of the tools of all real servers of the corpus. */
const everyTool = corpus('benign')
  .filter(({ kind }) => kind === 'tool')
  .map(({ server, definition }) => ({ server, name: definition.name ?? '' }));

const foreign = new Map<string, ReadonlySet<string>>();

export function verdictOf(
  { server, definition, others = [] }: Entry,
  text = JSON.stringify(definition),
): number {
  const key = `${server} ${others.join(' ')}`;
  let names = foreign.get(key);
  if (names === undefined) {
    names = foreignTools(server, [...everyTool, ...others.map((name) => ({ server: '', name }))]);
    foreign.set(key, names);
  }
  const findings = judgeDefinition({ json: Buffer.from(text) }, names);
  if (findings.some(({ hard }) => hard)) return HARD;
  return findings.length > 0 ? SOFT : NOTHING;
}

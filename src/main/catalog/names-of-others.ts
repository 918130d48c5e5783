/** Which new forms of definitions name tools of other servers that their earlier forms did not. */
import type { Told } from '../../shared/machines/drift.ts';
import { MAX_DEFINITION } from '../../shared/protocol/inspect.ts';
import type { DefinitionStore } from '../pins/definition-store.ts';
import type { DefinitionTexts } from '../pins/definition-texts.ts';
import type { Catalog } from './catalog.ts';
import { foreignNames, namesIn } from './foreign-names.ts';

export interface NamesOfOthersOptions {
  readonly store: Pick<DefinitionStore, 'formsOf'>;
  readonly texts: Pick<DefinitionTexts, 'read'> | null;
  readonly catalog: () => Pick<Catalog, 'toolsOf' | 'exposedTools' | 'names'>;
}

/** Bytes that are searched for names before others have their turn. */
const SEARCHED_AT_ONCE = 64 * 1024;

/** Whether each names tools of other servers that its earlier form did not name. */
export async function namesOfOthers(
  options: NamesOfOthersOptions,
  server: string,
  items: readonly { readonly told: Told; readonly json: Uint8Array }[],
): Promise<boolean[]> {
  const catalog = options.catalog();
  const names = foreignNames(server, catalog.names, catalog);
  const found: boolean[] = [];
  let searched = 0;
  for (const { told, json } of items) {
    searched += json.length;
    if (searched > SEARCHED_AT_ONCE) {
      searched = 0;
      await new Promise((resolve) => setImmediate(resolve));
    }
    // No honest definition is that long, and main has other things to do.
    if (json.length > MAX_DEFINITION) {
      found.push(true);
      continue;
    }
    const named = namesIn(Buffer.from(json).toString(), names);
    found.push(named.length > 0 && (await isNews(options, server, told, named)));
  }
  return found;
}

async function isNews(
  { store, texts }: NamesOfOthersOptions,
  server: string,
  { key }: Told,
  named: readonly string[],
): Promise<boolean> {
  const forms = store.formsOf(server).get(key) ?? [];
  const former = forms.findLast(({ held }) => held === undefined);
  const text = former === undefined ? null : await texts?.read(former.hash);
  const before = new Set(namesIn(text ?? '', new Set(named)));
  return named.some((name) => !before.has(name));
}

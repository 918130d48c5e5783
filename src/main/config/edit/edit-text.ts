/**
 * Changes the text of a configuration file. The new text says what the old one said and the change, and nothing
 * else: it is parsed again and compared, whatever the editor of its format did. Pure.
 */
import { isDeepStrictEqual } from 'node:util';
import { isObject } from '../../../shared/model/is-object.ts';
import type { ConfigDocument } from '../document.ts';
import { formatOf, parseConfig } from '../parse.ts';
import type { Path } from '../problem.ts';
import { type Change, changed } from './change.ts';
import { editJson } from './json.ts';
import { editToml } from './toml.ts';
import { editYaml } from './yaml.ts';

export interface EditedText {
  readonly text: string;
  readonly document: ConfigDocument;
}

const EDITORS = {
  json: editJson,
  yaml: editYaml,
  toml: editToml,
} as const;

/**
 * @param extension of the file, in lower case, with the dot.
 * @param before what `text` says.
 * @returns null: it cannot be changed without touching the rest.
 */
export function editText(
  text: string,
  extension: string,
  before: ConfigDocument,
  change: Change,
): EditedText | null {
  const wanted = changed(before.value, change);
  if (wanted === null) return null;
  const format = formatOf(text, extension);
  const alike =
    format === 'toml' ? [wanted, withoutEmpty(wanted, change.path.slice(0, -1))] : [wanted];
  for (const edited of EDITORS[format](text, change)) {
    const parsed = parseConfig(edited, before.file, extension);
    if (!parsed.ok || parsed.document.problems.length > before.problems.length) continue;
    const { value } = parsed.document;
    if (alike.some((one) => isDeepStrictEqual(value, one))) {
      return { text: edited, document: parsed.document };
    }
  }
  return null;
}

/** A table that nothing is in any more need not be written in TOML. */
function withoutEmpty(value: unknown, path: Path): unknown {
  const [key] = path;
  const table = isObject(value) ? value[String(key)] : undefined;
  if (path.length !== 1 || !isObject(value) || !isObject(table) || Object.keys(table).length > 0) {
    return value;
  }
  return Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));
}

/** Changes the text of a JSON file with comments: all that is not concerned stays byte for byte. Pure. */
import {
  applyEdits,
  findNodeAtLocation,
  type ModificationOptions,
  modify,
  parseTree,
} from 'jsonc-parser';
import type { Change } from './change.ts';
import { spliceJson } from './json-splice.ts';

/** The texts to try, the best first: the caller looks whether one says what it should. */
export function* editJson(text: string, change: Change): Generator<string> {
  const bom = text.startsWith('\uFEFF') ? '\uFEFF' : '';
  const plain = text.slice(bom.length);
  const spliced = spliceJson(plain, change);
  if (spliced !== null) yield bom + spliced;
  if (fits(plain, change)) yield bom + modified(plain, change);
}

/** Whether all that is above the change is a mapping or a list: else there is no place for it. */
function fits(plain: string, { kind, path }: Change): boolean {
  const tree = parseTree(plain, [], { allowTrailingComma: true, disallowComments: false });
  if (tree === undefined) return false;
  for (const length of path.keys()) {
    const above = findNodeAtLocation(tree, path.slice(0, length));
    const type = typeof path[length] === 'number' ? 'array' : 'object';
    if (above !== undefined && above.type !== type) return false;
  }
  const type = findNodeAtLocation(tree, [...path])?.type;
  return kind !== 'add' || type === undefined || type === 'object' || type === 'array';
}

/** The entries around it are formatted, too. */
function modified(plain: string, change: Change): string {
  const options: ModificationOptions = { formattingOptions: formattingOf(plain) };
  switch (change.kind) {
    case 'set':
      return edited(plain, [...change.path, change.key], change.value, options);
    case 'remove':
      return edited(plain, [...change.path], undefined, options);
    case 'add': {
      const path = [...change.path, change.name ?? -1];
      const inserting = change.name === null ? { ...options, isArrayInsertion: true } : options;
      return edited(plain, path, change.value, inserting);
    }
  }
}

function edited(
  text: string,
  path: (string | number)[],
  value: unknown,
  options: ModificationOptions,
): string {
  return applyEdits(text, modify(text, path, value, options));
}

/** As the file is indented: by the first line that is. */
function formattingOf(text: string): NonNullable<ModificationOptions['formattingOptions']> {
  const indent = /^([ \t]+)\S/m.exec(text)?.[1] ?? '  ';
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  return { insertSpaces: !indent.startsWith('\t'), tabSize: Math.min(8, indent.length), eol };
}

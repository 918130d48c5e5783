/**
 * The text of a configuration file → document. The format is judged by the text: clients name their files as they
 * like, and JSON is often saved as `.txt` or `.yaml`.
 */
import type { Parsed } from './document.ts';
import { parseJson } from './json.ts';
import { parseToml } from './toml.ts';
import { parseYaml } from './yaml.ts';

/** An object, or a comment as JSON with comments has it. */
const JSON_BEGIN = /^\uFEFF?\s*(?:\/\/[^\n]*\n\s*|\/\*[^]*?\*\/\s*)*[{[]/;
/** A line such as `[mcp_servers.name]`. */
const TOML_TABLE = /^\s*\[\[?[A-Za-z0-9_."'-]+(?:\s*\.\s*[A-Za-z0-9_."'-]+)*\]?\]\s*(?:#.*)?$/m;

/** @param file the name used in messages. @param extension in lower case, with the dot; `''` without one. */
export function parseConfig(text: string, file: string, extension: string): Parsed {
  if (extension === '.toml' || isToml(text)) return parseToml(text, file);
  const json = ['.json', '.jsonc', '.json5'].includes(extension);
  if (!json && !JSON_BEGIN.test(text)) return parseYaml(text, file);
  const parsed = parseJson(text, file);
  if (parsed.ok || json) return parsed;
  // A mapping in the flow style of YAML begins like JSON.
  const yaml = parseYaml(text, file);
  return yaml.ok ? yaml : parsed;
}

/** The format that `parseConfig` reads a text in. */
export function formatOf(text: string, extension: string): 'json' | 'toml' | 'yaml' {
  if (extension === '.toml' || isToml(text)) return 'toml';
  if (['.json', '.jsonc', '.json5'].includes(extension)) return 'json';
  return JSON_BEGIN.test(text) && parseJson(text, '').ok ? 'json' : 'yaml';
}

function isToml(text: string): boolean {
  const first =
    text
      .replace(/^\uFEFF/, '')
      .split('\n')
      .find((line) => /^\s*[^\s#]/.test(line)) ?? '';
  return TOML_TABLE.test(first) || (/^\s*[\w."-]+\s*=/.test(first) && TOML_TABLE.test(text));
}

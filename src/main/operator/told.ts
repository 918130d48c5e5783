/** What a server has told of a call, in words: whatever it sends, these never throw. Not harmless on a terminal yet. */
import { asciiJson, clip } from '../../shared/text/clean-text.ts';

type Fields = Readonly<Record<string, unknown>>;

const LONGEST_KIND = 100;

/** Such as `3 of 10: half of it`. */
export function progressText({ progress, total, message }: Fields): string {
  const of = typeof total === 'number' ? ` of ${total}` : '';
  const said = typeof message === 'string' ? `: ${message}` : '';
  return `${typeof progress === 'number' ? progress : 'some progress'}${of}${said}`;
}

/** The reason of an error. */
export function reasonOf({ message, data }: Fields): string {
  if (typeof message === 'string' && message !== '') return message;
  return data === undefined ? 'it failed, and nothing says why' : asciiJson(data);
}

/** The text of a block of content; null: it is of another kind. */
export function textIn(block: unknown): string | null {
  if (typeof block !== 'object' || block === null) return null;
  return 'text' in block && typeof block.text === 'string' ? block.text : null;
}

/** Which kind of block it is, such as `image image/png`. */
export function kindOf(block: unknown): string {
  if (typeof block !== 'object' || block === null) return 'unknown';
  const type = 'type' in block && typeof block.type === 'string' ? block.type : 'unknown';
  const mime = 'mimeType' in block && typeof block.mimeType === 'string' ? block.mimeType : '';
  return clip(`${type} ${mime}`.trim(), LONGEST_KIND);
}

/** The ways in which a secret is written when it is printed, made independently of how they are found. */

type Write = (text: string) => string;

const hex: Write = (text) => Buffer.from(text).toString('hex');
const unit = (code: number) => `\\u${code.toString(16).padStart(4, '0')}`;
const units = (text: string) => Array.from({ length: text.length }, (_, at) => text.charCodeAt(at));
const json: Write = (text) => JSON.stringify(text).slice(1, -1);

/** Escapes of single characters, which may stand in each other. */
export const ESCAPES: Readonly<Record<string, Write>> = {
  json,
  'JSON with slashes': (text) => json(text).replaceAll('/', '\\/'),
  '\\u for all': (text) => units(text).map(unit).join(''),
  '\\u for all, large': (text) =>
    units(text)
      .map((code) => `\\u${unit(code).slice(2).toUpperCase()}`)
      .join(''),
  '\\u where it is not ASCII': (text) =>
    json(text).replace(/[\u007f-\uffff]/g, (one) => unit(one.charCodeAt(0))),
  percent: (text) => encodeURIComponent(text),
  'percent, small': (text) => encodeURIComponent(text).replace(/%../g, (e) => e.toLowerCase()),
  'percent for all': (text) => hex(text).replace(/../g, '%$&'),
  'percent for all, large': (text) => hex(text).toUpperCase().replace(/../g, '%$&'),
  form: (text) => new URLSearchParams({ a: text }).toString().slice(2),
  address: (text) => encodeURI(text),
  '\\x for all': (text) => hex(text).replace(/../g, '\\x$&'),
};

/** What is put between its characters and not seen. */
export const BETWEEN: Readonly<Record<string, Write>> = {
  colour: (text) => text.replace(/(?<=^..)/su, '\u001b[1;32m'),
  'zero width': (text) => text.replace(/(?<=^..)/su, '\u200b'),
};

/** Other writings of its bytes, which may be escaped again. */
export const BYTES: Readonly<Record<string, Write>> = {
  hex,
  HEX: (text) => hex(text).toUpperCase(),
  buffer: (text) => hex(text).replace(/..(?!$)/g, '$& '),
  list: (text) => [...Buffer.from(text)].join(','),
  base64: (text) => Buffer.from(text).toString('base64'),
  base64url: (text) => Buffer.from(text).toString('base64url'),
};

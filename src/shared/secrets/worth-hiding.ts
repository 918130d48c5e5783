/**
 * Decides if a configured value is treated as a secret. A plain setting stays readable: hiding it would
 * only make errors and logs useless. Pure.
 */

const SHORTEST = 6;

/** Words that mean no value, under any name. */
const NOTHING = words('true false enabled disabled default none null undefined required optional');

/** Common words of configuration; short ones need not be listed. */
const COMMON = words(
  `production development staging testing sandbox preview release canary local-dev
   verbose silent warning warnings notice critical detailed minimal pretty compact colored colors
   localhost standard stdout stderr console syslog journald streamable-http streamable websocket
   latest stable nightly master public private internal external readonly read-only readwrite read-write
   english german french spanish unknown always normal strict lenient manual automatic never-ask
   simple advanced standalone cluster replica primary secondary memory sqlite sqlite3 postgres
   postgresql mariadb mongodb elasticsearch opensearch docker podman kubernetes github gitlab bitbucket
   chrome chromium firefox webkit safari msedge headless headed browser desktop mobile
   openai anthropic azure-openai google gemini ollama bedrock vertexai
   basic-auth oauth2 client-credentials server client servers clients tools resources prompts
   utf8mb4 us-ascii iso-8859-1 iso8859-1 utf-16le windows-1252 base64 base64url deflate identity
   direct disable enable prefer verify-full verify-ca`,
);

const NUMBER = /^[+-]?\d{1,7}(?:\.\d{1,6})?(?:[a-z%]{1,3})?$/i;
const LOCALE = /^[a-z]{2}[_-][A-Z]{2}(?:\.[\w-]+)?$/;
const TIME_ZONE =
  /^(?:Africa|America|Antarctica|Asia|Atlantic|Australia|Etc|Europe|Indian|Pacific)(?:\/[A-Za-z_+-]{1,20}\d{0,2}){1,2}$/;
const REGION =
  /^[a-z]{2}(?:-[a-z]{3,9}){1,2}-\d$|^(?:africa|asia|australia|europe|me|northamerica|southamerica|us)-[a-z]{4,9}\d{1,2}(?:-[a-f])?$/;
const VERSION_OR_DATE =
  /^[v^~]?\d{1,4}(?:\.\d{1,4}){1,3}(?:-(?:alpha|beta|rc)(?:\.\d{1,3})?)?$|^\d{4}-\d\d-\d\d$/;
const MEDIA_TYPE = /^(?:application|audio|image|text|video|multipart)\/[a-z0-9.+-]{1,40}$/;
const FLAGS =
  /^--?[a-z]+(?:-[a-z]+)*(?:=(?:\d{1,7}|[a-z]{1,12}))?(?:\s+--?[a-z]+(?:-[a-z]+)*(?:=(?:\d{1,7}|[a-z]{1,12}))?)*$/;
const PACKAGE = /^@[a-z0-9][a-z0-9-]*\/[a-z0-9][a-z0-9._-]*(?:@[\w.^~-]{1,20})?$/;
const ADDRESS =
  /^(?:\d{1,3}(?:\.\d{1,3}){3}|\[[\da-fA-F:]{2,39}\]|localhost|(?:[a-z][a-z0-9-]*\.)+[a-z][a-z0-9-]*)(?::\d{1,5})?(?:\/\d{1,2})?$/;
const SHAPES = [
  NUMBER,
  LOCALE,
  TIME_ZONE,
  REGION,
  VERSION_OR_DATE,
  MEDIA_TYPE,
  FLAGS,
  PACKAGE,
  ADDRESS,
];

const PATH = /^(?:~|\.{1,2})?\/[\w .,:@~/-]*$|^[A-Za-z]:\\[\w .,~\\-]*$/;
const PLAIN_URL = /^[a-z][a-z0-9+.-]*:\/\/[\w.:[\]-]*(?:\/[\w.~/-]*)?$/;
/** Settings of these shapes are not longer. */
const LONGEST_SHAPE = 256;

const RUN = /[A-Za-z0-9]{16,}/g;
const LETTERS = /[A-Za-z]{20,}/g;
const UUID = /[\da-fA-F]{8}-[\da-fA-F]{4}-/;

/** True when a piece of the value looks random: long with digits, or long with letters of both cases. */
export function looksRandom(value: string): boolean {
  const runs = value.match(RUN) ?? [];
  if (runs.some((run) => /[A-Za-z]/.test(run) && /\d/.test(run))) return true;
  const letters = value.match(LETTERS) ?? [];
  return letters.some((run) => /[a-z]/.test(run) && /[A-Z]/.test(run)) || UUID.test(value);
}

/**
 * @param kind by its name. Under a `secret` name every value of 6 characters and more is a secret, except
 *   words that mean no value, and paths and URLs as below. Under an `ordinary` name also common words of
 *   configuration, numbers of up to 7 digits, addresses, versions, locales and the like stay readable.
 *   Paths, and URLs without user, query or fragment, are secrets if a piece of them looks random.
 */
export function isWorthHiding(value: string, kind: 'ordinary' | 'secret' = 'ordinary'): boolean {
  const text = value.trim();
  if (text.length < SHORTEST || NOTHING.has(text.toLowerCase())) return false;
  if (isPlace(text)) return looksRandom(text);
  if (kind === 'secret') return true;
  if (text.split(',').every(isCommon)) return false;
  if (text.length > LONGEST_SHAPE || looksRandom(text)) return true;
  return !SHAPES.some((shape) => shape.test(text));
}

/** Whether a value is a path, or an address without user, query or fragment. */
export function isPlace(text: string): boolean {
  return PATH.test(text) || PLAIN_URL.test(text);
}

/** Whether a value is a plain setting, whatever its name: a word, a number, a place, an address without credentials. */
export function isPlain(value: string): boolean {
  const text = value.trim();
  if (NOTHING.has(text.toLowerCase()) || text.split(',').every(isCommon)) return true;
  if (isPlace(text)) return !looksRandom(text);
  return text.length <= LONGEST_SHAPE && SHAPES.some((shape) => shape.test(text));
}

/** @param item of a list of settings, or a whole value. */
function isCommon(item: string): boolean {
  const word = item.trim();
  return COMMON.has(word.toLowerCase()) || /^[A-Za-z]{1,5}$/.test(word);
}

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/).filter((word) => word !== ''));
}

/**
 * What a person sees on a terminal, with its colours: reads the output of a program as a terminal does, as far as
 * `rea status --watch` uses one. Any other control sequence is an error, and so is a line that does not fit.
 */
import stringWidth from 'string-width';

const ESCAPE = '\u001b';
const SEQUENCE = new RegExp(`^${ESCAPE}\\[(\\??)([\\d;]*)([A-Za-z])`);
/** What shells write around a prompt. */
const IGNORED_MODES = new Set(['1', '2004']);
const segmenter = new Intl.Segmenter();
/** How text looks, by the parameter that begins it; any other ends it. */
const LOOKS: Readonly<Record<string, string>> = {
  1: 'title',
  2: 'dim',
  7: 'chosen',
  31: 'bad',
  32: 'good',
  33: 'warn',
};

/** Text of one look; '' is plain. */
export interface Run {
  readonly text: string;
  readonly look: string;
}

export class EmulatedScreen {
  columns: number;
  /** Of the first screen, as a text that goes on and on. */
  main = '';
  /** The other screen is shown. */
  isOther = false;
  hasCursor = true;
  wraps = true;
  /** Texts that were wider than the terminal. */
  readonly tooWide: string[] = [];
  #rows: Run[][] = [];
  #row = 0;
  #isAtStart = true;
  #look = '';
  /** How many rows were written to. */
  #written = 0;
  #rest = '';
  /** How many were too wide when it got another size; null: the program has drawn all anew since. */
  #tooWideBefore: number | null = null;

  constructor(columns: number) {
    this.columns = columns;
  }

  /** The rows of the other screen, from the first on, without spaces at their ends. */
  get rows(): string[] {
    return this.#rows.map((row) => textOf(row).trimEnd());
  }

  /** Of each row the texts of one look, from left to right. */
  get runs(): readonly (readonly Run[])[] {
    return this.#rows.map((row) => [...row]);
  }

  get text(): string {
    return this.rows.join('\n');
  }

  /** What a program writes before it has heard of the other size may be wider. */
  resize(columns: number): void {
    this.columns = columns;
    this.#tooWideBefore ??= this.tooWide.length;
  }

  /** Since the last time it was asked. */
  takeWritten(): number {
    const written = this.#written;
    this.#written = 0;
    return written;
  }

  write(chunk: string): void {
    let text = this.#rest + chunk;
    this.#rest = '';
    while (text !== '') {
      if (!text.startsWith(ESCAPE)) {
        const end = text.indexOf(ESCAPE);
        const plain = end < 0 ? text : text.slice(0, end);
        this.#print(plain);
        text = text.slice(plain.length);
        continue;
      }
      const found = SEQUENCE.exec(text);
      if (found === null) {
        // The rest of it is on its way, or it is one of a shell.
        if (text.length < 16) {
          this.#rest = text;
          return;
        }
        throw new Error(`unknown to this terminal: ${JSON.stringify(text.slice(0, 16))}`);
      }
      const [whole, isPrivate = '', parameters = '', letter = ''] = found;
      this.#obey(isPrivate === '?', parameters, letter);
      text = text.slice(whole.length);
    }
  }

  #obey(isPrivate: boolean, parameters: string, letter: string): void {
    if (isPrivate) return this.#mode(parameters, letter === 'h');
    switch (letter) {
      case 'm':
        this.#look = LOOKS[parameters] ?? '';
        return;
      case 'H':
        this.#row = Number(parameters.split(';')[0]) - 1;
        if (!parameters.endsWith(';1')) throw new Error(`the cursor goes to ${parameters}`);
        this.#isAtStart = true;
        return;
      case 'K':
        // Behind a line that was just written from its first column on: nothing else stands there.
        if (this.#isAtStart) this.#set([]);
        this.#written += 1;
        return;
      case 'J':
        this.#rows = [];
        if (this.#tooWideBefore !== null) this.tooWide.length = this.#tooWideBefore;
        this.#tooWideBefore = null;
        return;
      default:
        throw new Error(`unknown to this terminal: ${parameters}${letter}`);
    }
  }

  #mode(parameter: string, on: boolean): void {
    switch (parameter) {
      case '1049':
        if (on === this.isOther) throw new Error('the screen is entered or left twice');
        this.isOther = on;
        this.#rows = [];
        return;
      case '25':
        this.hasCursor = on;
        return;
      case '7':
        this.wraps = on;
        return;
      default:
        if (!IGNORED_MODES.has(parameter)) throw new Error(`unknown mode ${parameter}`);
    }
  }

  #print(text: string): void {
    if (!this.isOther) {
      this.main += text.replaceAll('\r', '');
      return;
    }
    if (/[\r\n\t]/.test(text)) throw new Error('a line end on a screen that is drawn');
    const before = this.#isAtStart ? [] : (this.#rows[this.#row] ?? []);
    const runs = [...before, { text, look: this.#look }];
    this.#isAtStart = false;
    this.#set(runs);
    const line = textOf(runs);
    if (columnsOf(line) > this.columns) this.tooWide.push(line);
  }

  #set(runs: Run[]): void {
    while (this.#rows.length <= this.#row) this.#rows.push([]);
    this.#rows[this.#row] = runs;
  }
}

function textOf(runs: readonly Run[]): string {
  return runs.map(({ text }) => text).join('');
}

/** As a terminal that does not join characters counts. */
function columnsOf(text: string): number {
  return Array.from(segmenter.segment(text)).reduce(
    (sum, { segment }) => sum + stringWidth(segment),
    0,
  );
}

/** A terminal, as far as `rea status --watch` uses one: what stands in each row, and how it looks. */

const ESCAPE = '\u001b';
const SEQUENCE = new RegExp(`^${ESCAPE}\\[(\\??)([\\d;]*)([A-Za-z])`);
const LOOKS = { 1: 'title', 2: 'dim', 7: 'chosen', 31: 'bad', 32: 'good', 33: 'warn' };

export class Screen {
  /** Of each row the runs of text with the same look, from left to right. */
  #rows = [];
  #row = 0;
  #look = '';
  #rest = '';

  get text() {
    return this.rows()
      .map((runs) => runs.map(({ text }) => text).join(''))
      .join('\n');
  }

  /** @returns a copy: `{text, look}` of each run; look '' is plain. */
  rows() {
    return Array.from(this.#rows, (runs = []) => runs.map((run) => ({ ...run })));
  }

  write(chunk) {
    let text = this.#rest + chunk;
    this.#rest = '';
    while (text !== '') {
      if (!text.startsWith(ESCAPE)) {
        const end = text.indexOf(ESCAPE);
        const plain = end < 0 ? text : text.slice(0, end);
        (this.#rows[this.#row] ??= []).push({ text: plain, look: this.#look });
        text = text.slice(plain.length);
        continue;
      }
      const found = SEQUENCE.exec(text);
      if (found === null) {
        // The rest of it is on its way.
        this.#rest = text;
        return;
      }
      const [whole, isPrivate, parameters, letter] = found;
      if (isPrivate === '') this.#obey(parameters, letter);
      text = text.slice(whole.length);
    }
  }

  /** Lines are always written whole, from their first column on. */
  #obey(parameters, letter) {
    switch (letter) {
      case 'm':
        this.#look = LOOKS[parameters] ?? '';
        return;
      case 'H':
        this.#row = Number(parameters.split(';')[0]) - 1;
        this.#rows[this.#row] = [];
        return;
      case 'J':
        this.#rows = [];
        return;
      case 'K':
        return;
      default:
        throw new Error(`unknown to this terminal: ${parameters}${letter}`);
    }
  }
}

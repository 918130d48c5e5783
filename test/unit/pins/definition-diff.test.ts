/** What a person is shown of a changed definition. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { definitionDiff } from '#src/main/pins/definition-diff.ts';

const diff = (before: unknown, after: unknown) =>
  definitionDiff(before === null ? null : JSON.stringify(before), JSON.stringify(after));

describe('the difference of two definitions', () => {
  test('shows the words that changed, by the member they are in', () => {
    expect(
      diff(
        { name: 'a', description: 'Lists old things.', annotations: { destructiveHint: true } },
        { name: 'a', description: 'Lists all things.', annotations: { readOnlyHint: true } },
      ),
    ).toEqual([
      'description: Lists [-old-]{+all+} things.',
      'annotations.destructiveHint: [-true-]',
      'annotations.readOnlyHint: {+true+}',
    ]);
  });

  test('makes visible what nobody would see', () => {
    const hidden = 'x\u200by\u202ez\u{e0041}\u00a0\u2003\u2800\ue000\u001b[31m\r\n\u2028end';
    const [line = ''] = diff({ description: 'x' }, { description: hidden });
    expect(line).toContain('\\u200b');
    for (const code of ['202e', '{e0041}', '00a0', '2003', '2800', 'e000', '001b']) {
      expect(line).toContain(`\\u${code}`);
    }
    expect(line).toMatch(/^[\x20-\x7e]*$/);
  });

  test('tells an escape from what it stands for, and line ends from spaces', () => {
    expect(diff({ a: 'x' }, { a: '\u202e \\u202e' })[0]).toContain('\\u202e \\\\u202e');
    expect(diff({ a: 'x y' }, { a: 'x\r\ny' })).toEqual(['a: x[- -]{+\\u000d\\n+}y']);
  });

  test('shows everything of one that is new, and names in which something hides', () => {
    expect(diff(null, { name: 'a\u200b', 'k\u202ey': [1, {}] })).toEqual([
      'name: {+a\\u200b+}',
      'k\\u202ey[0]: {+1+}',
      'k\\u202ey[1]: {+{}+}',
    ]);
  });

  test('says what was and what is, whatever that is, and nothing where nothing differs', () => {
    // Null stands for no definition.
    const value = fc.jsonValue({ maxDepth: 4 }).filter((one) => one !== null);
    fc.assert(
      fc.property(value, value, (before, after) => {
        const lines = diff(before, after);
        for (const line of lines) expect(line).toMatch(/^[^\p{C}\p{Zl}\p{Zp}]*$/u);
        const isSame = JSON.stringify(before) === JSON.stringify(after);
        if (isSame) expect(lines).toEqual([]);
      }),
    );
  });

  test('keeps every word: without the marks it is the old text, or the new one', () => {
    const words = fc.array(fc.constantFrom('one', 'two', 'three', '.'), { maxLength: 6 });
    fc.assert(
      fc.property(words, words, (before, after) => {
        const [was, is] = [before.join(' '), after.join(' ')];
        const [line = `text: ${was}`] = diff({ text: was }, { text: is });
        const shown = line.slice('text: '.length);
        const without = (gone: RegExp, kept: RegExp) =>
          shown.replaceAll(gone, '').replaceAll(kept, '$1');
        expect(without(/\{\+(.*?)\+\}/g, /\[-(.*?)-\]/g)).toBe(was);
        expect(without(/\[-(.*?)-\]/g, /\{\+(.*?)\+\}/g)).toBe(is);
      }),
    );
  });

  test('is bounded, however much there is', () => {
    const many = Object.fromEntries(Array.from({ length: 50_000 }, (_, at) => [`k${at}`, 'x']));
    const lines = diff({}, many);
    expect(lines.length).toBeLessThanOrEqual(201);
    const long = diff({ a: 'a b '.repeat(50_000) }, { a: 'c d '.repeat(50_000) });
    expect(long.join('\n').length).toBeLessThan(10_000);
  });
});

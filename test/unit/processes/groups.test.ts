/** The text of the groups file: what is written is read back, and nothing else is. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  groupAdded,
  groupGone,
  groupsHeader,
  groupToken,
  parseGroups,
} from '#src/shared/model/groups.ts';

const gateway = { pid: 42, start_time: '777', boot_id: 'b-1', pid_ns: 'pid:[4026531836]' };
const header = groupsHeader(gateway);

describe('parseGroups', () => {
  it('reads the gateway and the groups not taken off again', () => {
    const text =
      header + groupAdded(10, '1', 'a') + groupAdded(11, '2', 'b') + groupGone(10) + groupGone(9);
    expect(parseGroups(text)).toEqual({
      gateway,
      groups: [{ pgid: 11, startTime: '2', server: 'b' }],
    });
  });

  it('takes the later of two groups with the same number', () => {
    const text = header + groupAdded(10, '1', 'a') + groupGone(10) + groupAdded(10, '5', 'b');
    expect(parseGroups(text).groups).toEqual([{ pgid: 10, startTime: '5', server: 'b' }]);
  });

  it('ignores a torn last line, whatever is left of it', () => {
    for (const last of [groupAdded(1234, '5', 'b'), groupGone(1234)]) {
      for (let length = 0; length < last.length; length += 1) {
        const text = header + groupAdded(12, '1', 'a') + last.slice(0, length);
        expect(parseGroups(text).groups.map((group) => group.pgid)).toEqual([12]);
      }
    }
  });

  it('never names a group that a kill would take for something wider', () => {
    const text = `${header}+ 0 1 a\n+ 1 1 a\n+ -5 1 a\n+ 01 1 a\n+ 1e3 1 a\n+ 99999999999 1 a\n`;
    expect(parseGroups(text).groups).toEqual([]);
  });

  it('keeps values with spaces as one word', () => {
    const mac = { ...gateway, boot_id: '{ sec = 1, usec = 2 }', start_time: 'Mon Nov  2 01:02:03' };
    const { gateway: read, groups } = parseGroups(
      groupsHeader(mac) + groupAdded(7, 'Mon Nov  2 01:02:03', 'a'),
    );
    expect(read?.boot_id).toBe(groupToken(mac.boot_id));
    expect(groups[0]?.startTime).toBe(groupToken(mac.start_time));
  });

  it('has no gateway without a whole first line', () => {
    for (const text of ['', header.slice(0, -1), header.slice(5), `\n${header}`]) {
      expect(parseGroups(text).gateway).toBeNull();
    }
  });

  it('survives any text', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom('+', '-', ' ', '#', '0', '1', '29', 'a', '\n', '+ 1', '- 2'),
        }),
        (text) => {
          for (const { pgid } of parseGroups(text).groups) expect(pgid).toBeGreaterThan(1);
        },
      ),
    );
  });
});

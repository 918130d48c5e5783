/** All phrases, and what other rules need of them. */
import { OTHER_LANGUAGES } from './other-languages.ts';
import type { Phrase } from './phrase.ts';
import { SPEAKING } from './speaking.ts';
import { STEERING } from './steering.ts';
import { TAKING } from './taking.ts';
import { SECRET_FILE, TALK } from './words.ts';

export const PHRASES: readonly Phrase[] = [...SPEAKING, ...TAKING, ...STEERING, ...OTHER_LANGUAGES];

/** From so many characters on V8 makes machine code of a pattern at its first use, and no bytecode before. */
const LONG_TEXT = ' '.repeat(1024);
// Bytecode of all of these takes 60 ms of a first start, machine code 12.
for (const { pattern } of PHRASES) pattern.test(LONG_TEXT);

/** Orders to be silent that weigh enough by themselves. */
export const SECRECY_ORDERS: readonly RegExp[] = PHRASES.filter(
  ({ rule, weight }) => (rule === 'secrecy' || rule === 'consent') && weight >= 0.6,
).map(({ pattern }) => new RegExp(pattern.source, pattern.flags));

export const SECRET_OR_TALK = new RegExp(`${SECRET_FILE}|${TALK}`);

/** A client of parked calls for tests: what it is asked and told, by a clock of its own. */
import { Parked } from '#src/main/clients/sessionless/parked/parked.ts';
import type { ParkedCount } from '#src/main/clients/sessionless/parked/parked-events.ts';

export const TTL = 300_000;

/** A client, and what has become of its calls and of what it was asked. */
export class House {
  now = 0;
  readonly count: ParkedCount;
  readonly given: [call: string, present: number, answer: string][] = [];
  readonly asked: { present: number; names: string[]; state: string }[] = [];
  readonly answered: [id: string, answer: string][] = [];
  readonly unanswered: [id: string, why: string][] = [];
  readonly lost: string[] = [];
  readonly gathers: string[] = [];
  readonly moved: [id: string, key: string][] = [];
  /** Calls that a question may belong to as well. */
  others: () => readonly string[] = () => [];
  readonly parked: Parked<string, number, string>;
  #lastState = 0;

  constructor(count: ParkedCount = { calls: 0, bytes: 0 }, name = 'x') {
    this.count = count;
    this.parked = new Parked<string, number, string>(
      {
        ttlMs: TTL,
        count,
        now: () => this.now,
        mint: () => `${name}${++this.#lastState}`,
        sizeOf: (answer) => answer.length,
        tooLarge: (first) => `${first} is too large`,
      },
      {
        onGather: (key) => this.gathers.push(key),
        onAsked: (present, questions, state) =>
          void this.asked.push({ present, names: questions.map((one) => one.name), state }),
        onAnswered: ({ id }, answer) => void this.answered.push([id, answer]),
        another: () => this.others().find((key) => this.parked.has(key)) ?? null,
        onMoved: ({ id }, key) => void this.moved.push([id, key]),
        onUnanswered: ({ id }, why) => void this.unanswered.push([id, why]),
        onGiven: (present, answer, first) => void this.given.push([first, present, answer]),
        onLost: (key) => void this.lost.push(key),
      },
    );
  }

  ask(key: string, id: string, name = `n${id}`, json = '{}'): void {
    this.parked.ask(key, { id, name, json });
  }

  /** A retry as a client sends it. @returns whether it was one. */
  retry(state: string, digest: string, present: number, answers: Record<string, string>): boolean {
    const key = this.parked.find(state, () => digest);
    if (key === null) return false;
    this.parked.resume(key, present, new Map(Object.entries(answers)));
    return true;
  }
}

/**
 * The exhaustive model of the lock protocol, driving the real step function through every interleaving
 * of system calls and every crash. `node test/stress/lock-model.ts`; exits 1 on an unsafe or stuck state.
 */
import { explore } from '../support/lock-model.ts';
import { conclude } from '../support/stress.ts';

const SIZES = [
  { processes: 2, rounds: 2, crashes: 2 },
  { processes: 3, rounds: 1, crashes: 2 },
  { processes: 3, rounds: 2, crashes: 2 },
];

const rows = SIZES.map((size) => {
  const { states, unsafe, stuck } = explore(size);
  return { ...size, states, unsafe, stuck };
});
conclude(
  'the lock model',
  rows,
  rows.every(({ unsafe, stuck }) => unsafe === 0 && stuck === 0),
);

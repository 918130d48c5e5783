/** How much a server may say that answers nothing, at given times. */
import { expect, test } from 'vitest';
import { OutputBudget } from '#src/workers/supervisor/limits/output-budget.ts';

const MIB = 1024 * 1024;

test('answers cost nothing, however much they are', () => {
  const budget = new OutputBudget();
  for (let at = 0; at < 100; at += 1) {
    budget.read(32 * MIB);
    budget.useful(32 * MIB);
    expect(budget.pauseMs(0, at)).toBe(0);
  }
});

test('a message whose kind is not known yet costs nothing until it is known', () => {
  const budget = new OutputBudget();
  budget.read(32 * MIB);
  expect(budget.pauseMs(32 * MIB, 0)).toBe(0);
  // Nobody asked for it.
  expect(budget.pauseMs(0, 0)).toBe(7750);
});

test('what answers nothing is paid for by time', () => {
  const budget = new OutputBudget();
  budget.read(MIB);
  expect(budget.pauseMs(0, 0)).toBe(0);
  budget.read(MIB);
  expect(budget.pauseMs(0, 0)).toBe(250);
  expect(budget.pauseMs(0, 250)).toBe(0);
  budget.read(MIB);
  expect(budget.pauseMs(0, 250)).toBe(250);
});

test('a silence is worth a megabyte, and no more', () => {
  const budget = new OutputBudget();
  budget.read(2 * MIB);
  expect(budget.pauseMs(0, 60_000)).toBe(250);
});

test('many small messages cost more than their bytes', () => {
  const budget = new OutputBudget();
  for (let at = 0; at < 2048; at += 1) budget.unsolicited();
  expect(budget.pauseMs(0, 0)).toBe(1750);
  for (let at = 0; at < 16_384; at += 1) budget.noise(1);
  expect(budget.pauseMs(0, 0)).toBe(2750);
});

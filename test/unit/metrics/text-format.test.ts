/** The strict reader of the tests itself, and what the library makes of odd labels. */
import { Gauge, Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { Scrape } from '../../support/prometheus.ts';

const HEAD = '# HELP a_total x\n# TYPE a_total counter\n';
const HISTOGRAM = '# HELP h x\n# TYPE h histogram\n';

test.each([
  ['', 'no newline'],
  ['a_total 1\n', 'bad line'],
  [`${HEAD}a_total 1`, 'no newline'],
  [`${HEAD}a_total one\n`, 'bad line'],
  [`${HEAD}a_total{x=1} 1\n`, 'bad line'],
  [`${HEAD}a_total{x="1} 1\n`, 'bad line'],
  [`${HEAD}a_total{x="1",x="2"} 1\n`, 'bad line'],
  [`${HEAD}a_total{x-y="1"} 1\n`, 'bad line'],
  [`${HEAD}b_total 1\n`, 'bad line'],
  [`${HEAD}a_total -1\n`, 'has the value -1'],
  [`${HEAD}a_total NaN\n`, 'has the value NaN'],
  [`${HEAD}a_total 1\na_total 1\n`, 'twice'],
  [HEAD, 'no samples'],
  [`${HEAD}a_total 1\n${HEAD}a_total{x="1"} 1\n`, 'TYPE a_total'],
  ['# TYPE a_total counter\na_total 1\n', 'TYPE a_total'],
  ['# HELP a x\n# TYPE a counter\na 1\n', 'is no counter'],
  ['# HELP a_total x\n# TYPE a_total gauge\na_total 1\n', 'is no gauge'],
  [`${HISTOGRAM}h_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n`, 'add up'],
  [`${HISTOGRAM}h_bucket{le="1"} 1\nh_bucket{le="+Inf"} 2\nh_sum 1\nh_count 3\n`, 'add up'],
  [`${HISTOGRAM}h_bucket{le="1"} 1\nh_sum 1\nh_count 1\n`, 'add up'],
])('refuses %j', (text, why) => {
  expect(() => new Scrape(text)).toThrow(why);
});

test('sees counters that fall and series that come and go', () => {
  const [one, two, other] = ['1', '2', '{x="y"} 2'].map(
    (rest) => new Scrape(`${HEAD}a_total${rest.startsWith('{') ? rest : ` ${rest}`}\n`),
  );
  if (one === undefined || two === undefined || other === undefined) throw new Error('no scrape');
  expect(two.faultsAfter(one)).toEqual([]);
  expect(one.faultsAfter(two)).toEqual(['a_total{} fell from 2 to 1']);
  expect(other.faultsAfter(one)).toEqual(['a_total{} is gone']);
});

test('reads back what the library escapes', async () => {
  const registry = new Registry();
  const text = 'a "quoted"\\ line\nand another';
  new Gauge({ name: 'g', help: text, labelNames: ['x'], registers: [registry] }).set(
    { x: text },
    1,
  );
  const scrape = new Scrape(await registry.metrics());
  expect(scrape.value('g', { x: text })).toBe(1);
});

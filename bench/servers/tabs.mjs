// Tabs of the page without a browser: each asks every 700 ms for what is new. How many is its argument; the address is
// read from stdin: it holds the token, and all users can read the arguments of a program.
import { once } from 'node:events';

const [count] = process.argv.slice(2);
const [address] = await once(process.stdin.setEncoding('utf8'), 'data');
const url = new URL(address.trim());
const headers = { authorization: `Bearer ${new URLSearchParams(url.hash.slice(1)).get('t')}` };

async function look(since) {
  const response = await fetch(`${url.origin}/api/v1/look?${new URLSearchParams(since)}`, {
    headers,
  });
  if (!response.ok) throw new Error(`status ${response.status}`);
  const { rev, usage, calls } = await response.json();
  return { state: rev, usage: usage?.rev ?? since.usage, calls: calls.next };
}

for (let tab = 0; tab < Number(count); tab += 1) {
  let since = { state: -1, usage: -1, calls: 0 };
  setTimeout(
    () =>
      setInterval(async () => {
        since = await look(since);
      }, 700),
    (700 * tab) / Number(count),
  );
}

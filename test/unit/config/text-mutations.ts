/** Breaks of the text itself: syntax errors and keys that are given twice. */
import { fullClientFile, fullRegistry } from './files.ts';
import { type Break, pick } from './seeded.ts';

export function brokenYaml(
  print: (value: unknown) => string,
  make: () => object = fullRegistry,
): Break {
  return (random) => {
    const lines = print(make()).split('\n');
    const scalars = lines.flatMap((line, at) => (/^ +[a-z_]+: \S+$/.test(line) ? [at] : []));
    const at = pick(random, scalars);
    const line = lines[at] ?? '';
    const broken = pick(random, [
      line.replace(/^ /, '\t'),
      line.replace(': ', ': @'),
      line.replace(': ', ': "'),
      line.replace(': ', ': ['),
      line.replace(': ', ': {a: 1'),
      line.replace(': ', ': *nowhere '),
      line.replace(': ', ': "\\q" #'),
      line.replace(': ', ': b: '),
      line.replace(': ', ': !thing '),
      ` ${line}`,
      `${line}\n---\nversion: "1"`,
      `${line}\n}`,
    ]);
    lines[at] = broken;
    return { text: lines.join('\n'), what: `line ${at + 1} is ${broken}`, key: null };
  };
}

export function twice(print: (value: unknown) => string, make: () => object = fullRegistry): Break {
  return (random) => {
    const lines = print(make()).split('\n');
    const at = pick(
      random,
      lines.flatMap((line, index) => (/^ +[a-zA-Z_]+: \S+$/.test(line) ? [index] : [])),
    );
    const line = lines[at] ?? '';
    lines.splice(at, 0, line);
    return {
      text: lines.join('\n'),
      what: `${line} twice`,
      key: line.trim().split(':')[0] ?? null,
    };
  };
}

export function brokenJson(print: (value: unknown) => string): Break {
  return (random) => {
    const text = print(fullClientFile());
    const structural = [...text.matchAll(/[{}[\]:"]/g)].map((match) => match.index);
    const at = pick(random, structural);
    return pick(random, [
      { text: text.slice(0, at), what: `cut at ${at}`, key: null },
      { text: text.slice(0, at) + text.slice(at + 1), what: `no character ${at}`, key: null },
      { text: `${text.slice(0, at)}]}${text.slice(at)}@`, what: `brackets at ${at}`, key: null },
    ]);
  };
}

export function twiceInJson(print: (value: unknown) => string): Break {
  return (random) => {
    const lines = print(fullClientFile()).split('\n');
    const at = pick(
      random,
      lines.flatMap((line, index) => (/^ +"[a-z]+": ["a-z]/.test(line) ? [index] : [])),
    );
    const line = lines[at] ?? '';
    const key = line.trim().split('"')[1] ?? '';
    const again = pick(random, [`${line.replace(/,$/, '')},`, '"__proto__": {},']);
    lines.splice(at, 0, again);
    return { text: lines.join('\n'), what: `${again} twice`, key: again === line ? key : null };
  };
}

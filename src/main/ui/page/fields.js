/** The fields of a form for the arguments of a tool. What a field cannot give is given as JSON. */
(() => {
  const { rea } = globalThis;
  const { el, plain } = rea;
  const MOST_FIELDS = 50;
  const MOST_CHOICES = 200;
  const BOOLEANS = [true, false];

  /** A number that is too large for JSON would be sent as null. */
  const finite = (_key, value) => {
    if (typeof value === 'number' && !Number.isFinite(value)) throw new Error('too large');
    return value;
  };
  const parse = (text, what) => {
    try {
      return JSON.parse(text, finite);
    } catch {
      throw new Error(`write ${what}`);
    }
  };
  const parseNumber = (text, isWhole) => {
    const what = isWhole ? 'a whole number' : 'a number';
    const value = parse(text, what);
    if (isWhole ? Number.isInteger(value) : typeof value === 'number') return value;
    throw new Error(`write ${what}`);
  };
  /** What a value may be, besides null. */
  const typesOf = (schema) => {
    const either = [schema?.anyOf ?? schema?.oneOf ?? []].flat();
    const types = [schema?.type ?? either.map((one) => one?.type)].flat(2);
    return types.filter((one) => one !== 'null');
  };
  const choiceText = (one) => (typeof one === 'string' && one !== '' ? one : JSON.stringify(one));
  /** @returns how the value is read; undefined: it is not given. */
  const choiceIn = (label, choices, needed) => {
    const input = label.appendChild(el('select'));
    const texts = choices.slice(0, MOST_CHOICES).map(choiceText);
    input.append(el('option'), ...texts.map((text) => el('option', plain(text, 200))));
    return () => {
      if (input.selectedIndex > 0) return choices[input.selectedIndex - 1];
      if (needed) throw new Error('choose one');
    };
  };
  const textIn = (label, types, needed) => {
    const isText = types.includes('string');
    const isNumber = types.length === 1 && (types[0] === 'number' || types[0] === 'integer');
    const input = label.appendChild(el(isText || isNumber ? 'input' : 'textarea'));
    if (!isText && !isNumber) input.placeholder = 'JSON';
    return () => {
      const { value } = input;
      if (isText) return value === '' && !needed ? undefined : value;
      if (value === '' && needed) throw new Error('it is needed');
      if (value === '') return undefined;
      return isNumber ? parseNumber(value, types[0] === 'integer') : parse(value, 'JSON');
    };
  };
  /** A field for one argument. */
  const fieldOf = (name, schema, needed) => {
    const label = el('label', `${plain(name, 100)}${needed ? ' (needed)' : ''}`);
    const types = typesOf(schema);
    const isChoice = Array.isArray(schema?.enum);
    const choices = isChoice ? schema.enum : types.join() === 'boolean' ? BOOLEANS : null;
    const read = choices === null ? textIn(label, types, needed) : choiceIn(label, choices, needed);
    if (schema?.description) label.append(el('span', plain(schema.description, 500), 'dim'));
    return { name, label, read };
  };
  /** All arguments at once, of whatever shape. */
  const freeField = () => {
    const label = el('label', 'Arguments as JSON');
    const input = label.appendChild(el('textarea'));
    input.placeholder = '{}';
    /** Null: nothing is written there. */
    const read = () => {
      if (input.value.trim() === '') return null;
      const value = parse(input.value, 'the arguments as one JSON object');
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
      throw new Error('write the arguments as one JSON object');
    };
    return { label, read };
  };
  const readAll = (fields) => {
    const args = {};
    for (const { name, read } of fields) {
      let value;
      try {
        value = read();
      } catch ({ message }) {
        throw new Error(`${plain(name, 100)}: ${message}`);
      }
      if (value !== undefined) Object.defineProperty(args, name, { value, enumerable: true });
    }
    return args;
  };
  /** @returns elements for a form, and how the arguments are read. */
  const fieldsOf = (inputSchema) => {
    const { properties, required } = inputSchema ?? {};
    const needed = new Set(Array.isArray(required) ? required : []);
    const names = Object.keys(properties ?? {});
    const fields = names
      .slice(0, MOST_FIELDS)
      .map((name) => fieldOf(name, properties[name], needed.has(name)));
    const free = freeField();
    const nodes = fields.map(({ label }) => label);
    if (names.length === 0) nodes.push(free.label);
    else {
      const more = el('details');
      const left = names.length - fields.length;
      const which = left > 0 ? `${left} more fields: ` : '';
      more.append(el('summary', `${which}write all as JSON, in place of the fields`), free.label);
      nodes.push(more);
    }
    return { nodes, read: () => free.read() ?? readAll(fields) };
  };
  Object.assign(rea, { fieldsOf });
})();

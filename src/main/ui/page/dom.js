/** Elements and texts. Whatever comes from outside becomes text and nothing else. */
(() => {
  /** Characters that cannot be seen, or that change the order of others. */
  const UNPRINTABLE =
    /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Noncharacter_Code_Point}\p{Default_Ignorable_Code_Point}]/gu;
  const SVG = 'http://www.w3.org/2000/svg';

  const escapeOf = (one) =>
    one === '\n' || one === '\t' ? one : `\\u{${one.codePointAt(0).toString(16)}}`;
  /** A text of a server, cut, and harmless to look at. An object has none. */
  const plain = (text, most = 4000) => {
    const all = typeof text === 'object' || text === undefined ? '' : String(text);
    const cut = all.slice(0, most).replace(UNPRINTABLE, escapeOf);
    return all.length > most ? `${cut}…` : cut;
  };
  const byId = (id) => document.getElementById(id);
  const setText = (node, text) => {
    if (node.textContent !== text) node.textContent = text;
  };
  const setClass = (node, name) => {
    if (node.className !== name) node.className = name;
  };
  const el = (name, text = '', className = '') => {
    const node = document.createElement(name);
    if (text !== '') node.textContent = text;
    if (className !== '') node.className = className;
    return node;
  };
  const button = (text, onClick) => {
    const node = el('button', text);
    node.type = 'button';
    node.addEventListener('click', onClick);
    return node;
  };
  /** A press does nothing then; a button that is disabled would lose the focus of whoever uses the keyboard. */
  const setBusy = (node, isBusy) => {
    if ((node.getAttribute('aria-disabled') === 'true') !== isBusy) {
      node.setAttribute('aria-disabled', String(isBusy));
    }
  };
  /** Lines of the gateway's, only when they are others than before. */
  const setLines = (node, lines) => {
    const key = JSON.stringify(lines);
    if (node.rea === key) return;
    node.rea = key;
    node.replaceChildren(
      ...lines.map(({ text, tone = '' }) => el('p', plain(text), `said ${tone}`)),
    );
  };
  /** Figures as a line; null is a gap. */
  const drawLine = (svg, figures, label) => {
    const most = Math.max(1, ...figures.map((one) => one ?? 0));
    const step = 100 / Math.max(1, figures.length - 1);
    const points = figures.flatMap((one, at) =>
      one === null ? [] : [`${(at * step).toFixed(1)},${(19 - (17 * one) / most).toFixed(1)}`],
    );
    svg.firstChild.setAttribute('points', points.join(' '));
    svg.setAttribute('aria-label', label);
  };
  const newLine = () => {
    const svg = document.createElementNS(SVG, 'svg');
    for (const [name, value] of [
      ['viewBox', '0 0 100 20'],
      ['width', '80'],
      ['height', '16'],
      ['role', 'img'],
    ])
      svg.setAttribute(name, value);
    svg.append(document.createElementNS(SVG, 'polyline'));
    return svg;
  };
  globalThis.rea = {
    plain,
    byId,
    setText,
    setClass,
    setBusy,
    el,
    button,
    setLines,
    drawLine,
    newLine,
  };
})();

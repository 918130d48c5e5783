/** Rows of a screen → an SVG without fonts, scripts or links, for light and dark pages. Pure. */

const CELL = { width: 8.4, height: 19 };
const EDGE = 16;
const STYLE = `
    .page { fill: #ffffff; stroke: #d0d7de; }
    text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: #1f2328; white-space: pre; }
    .good { fill: #1a7f37; } .bad { fill: #cf222e; } .warn { fill: #9a6700; } .dim { fill: #59636e; }
    .title { font-weight: bold; } .mark { fill: #dbe9ff; }
    @media (prefers-color-scheme: dark) {
      .page { fill: #0d1117; stroke: #3d444d; }
      text { fill: #f0f6fc; }
      .good { fill: #3fb950; } .bad { fill: #f85149; } .warn { fill: #d29922; } .dim { fill: #9198a1; }
      .mark { fill: #1f3a5f; }
    }
  `;

/** @param rows `{text, look}` of each run of each row. @param columns of the screen. */
export function drawing(rows, columns) {
  const width = Math.round(columns * CELL.width + 2 * EDGE);
  const height = rows.length * CELL.height + 2 * EDGE;
  const lines = rows.flatMap((runs, row) => drawnRow(runs, row, columns));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
  <title>rea status --watch</title>
  <style>${STYLE}</style>
  <rect class="page" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>
${lines.map((line) => `  ${line}\n`).join('')}</svg>
`;
}

/** Words stand at their columns, whatever the width of the reader's font. */
function drawnRow(runs, row, columns) {
  const y = EDGE + (row + 1) * CELL.height - 5;
  const lines = [];
  if (runs.some(({ look }) => look === 'chosen')) {
    const top = EDGE + row * CELL.height;
    lines.push(
      `<rect class="mark" x="${EDGE}" y="${top}" width="${(columns * CELL.width).toFixed(1)}" height="${CELL.height}"/>`,
    );
  }
  let column = 0;
  for (const { text, look } of runs) {
    const style = look === '' || look === 'chosen' ? '' : ` class="${look}"`;
    for (const { 0: word, index } of text.matchAll(/\S+(?: \S+)*/g)) {
      const x = (EDGE + (column + index) * CELL.width).toFixed(1);
      lines.push(`<text x="${x}" y="${y}"${style}>${escaped(word)}</text>`);
    }
    column += text.length;
  }
  return lines;
}

function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

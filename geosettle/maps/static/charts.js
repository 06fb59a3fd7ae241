// @ts-check
/* Small charts for the card, as SVG. Each says in words what it shows, for those who do not see it. */

const CHART_WIDTH = 336;

/** @param {number} x @param {number} y @param {any} text @param {Object<string, any>} [more] */
function chartText(x, y, text, more) {
  return svg('text', { x, y, 'font-size': 11, fill: 'currentColor', ...more }, text);
}

/** A name cut to fit, isolated. @param {any} text @param {number} letters */
function clip(text, letters) {
  const all = Array.from(String(text));
  return `\u2068${all.length > letters ? `${all.slice(0, letters - 1).join('')}…` : all.join('')}\u2069`;
}

/** Round numbers from 0 that cover a length. @param {number} most */
function ticks(most) {
  const raw = most / 4;
  const power = 10 ** Math.floor(Math.log10(raw || 1));
  const step = [1, 2, 2.5, 5, 10].map((k) => k * power).find((s) => s >= raw) || power;
  return Array.from({ length: Math.ceil(most / step - 1e-9) + 1 }, (_, i) => i * step);
}

/** Most rows of a chart of distances: of more, the nearest and the farthest. */
const MOST_BARS = 24;

/**
 * Distance from every located origin of a site: a dot, and the interval that both positions allow.
 * @param {number} row
 */
function distanceChart(row) {
  const rows = flowsOf.site[row].filter((i) => flows.value('geodesic_km', i) !== null);
  if (!rows.length) return null;
  rows.sort((a, b) => flows.value('geodesic_km', a) - flows.value('geodesic_km', b));
  const shown = rows.length > MOST_BARS ? [...rows.slice(0, MOST_BARS / 2), ...rows.slice(-MOST_BARS / 2)] : rows;
  const most = Math.max(...shown.map((i) => flows.value('geodesic_high_km', i) ?? flows.value('geodesic_km', i)));
  const marks = ticks(most);
  const left = 112;
  const scale = (CHART_WIDTH - left - 12) / marks[marks.length - 1];
  const height = 18 * shown.length + 22;
  let ranges = 0;
  const title = shown.map((i) => `${rowName(origins, flows.value('origin', i))} ${figure(flows.value('geodesic_km', i))}`).join(word('list_gap'));
  const chart = svg('svg', { viewBox: `0 0 ${CHART_WIDTH} ${height}`, role: 'img', 'aria-label': `${word('chart_distances')}${word('colon')}${title}` });
  for (const mark of marks) {
    const x = left + mark * scale;
    chart.append(svg('line', { x1: x, x2: x, y1: 0, y2: height - 18, stroke: 'var(--line)' }));
    chart.append(chartText(x, height - 5, figure(mark, 0), { 'text-anchor': 'middle', fill: 'var(--muted)', 'font-size': 10 }));
  }
  shown.forEach((i, k) => {
    const y = 18 * k + 9;
    const low = flows.value('geodesic_low_km', i);
    const high = flows.value('geodesic_high_km', i);
    chart.append(chartText(left - 6, y + 4, clip(shortName(rowName(origins, flows.value('origin', i))), 17), { 'text-anchor': 'end' }));
    if (low !== null && high !== null && low < high) {
      ranges++;
      chart.append(svg('line', { x1: left + low * scale, x2: left + high * scale, y1: y, y2: y, stroke: FLOW, 'stroke-width': 5, opacity: 0.35 }));
    }
    chart.append(svg('circle', { cx: left + flows.value('geodesic_km', i) * scale, cy: y, r: 3.6, fill: FLOW }));
  });
  const unlocated = flowsOf.site[row].length - rows.length;
  const notes = [ranges ? word('bar') : '', shown.length < rows.length ? word('chart_ends', { k: shown.length, n: rows.length }) : '',
    unlocated ? word('chart_unlocated', { n: unlocated }) : ''].filter(Boolean);
  return el('figure', {}, el('figcaption', {}, word('chart_distances')), chart, notes.length ? el('p', { class: 'gs-note' }, notes.join(word('list_gap'))) : '');
}

/**
 * Hectares within the middle radius of a site, as finely as its position allows: moved by u km, a disc of radius r gains and loses no
 * more than 2 r u. As in the tables the last place is a tenth of that; two digits are kept in any case.
 * @param {number} ha @param {number} row
 */
function landFigure(ha, row) {
  const spread = 100 * 2 * DATA.charts.radius * (sites.value('uncertainty_km', row) ?? 0);
  if (!(spread > 0 && ha > 0)) return figure(ha, 0);
  const place = 10 ** Math.max(0, Math.min(Math.floor(Math.log10(spread)), Math.floor(Math.log10(ha))) - 1);
  return figure(Math.round(ha / place) * place, 0);
}

/** Bars of hectares by kind of land. @param {number} row */
function landChart(row) {
  const rows = own(DATA.charts.land, sites.value('id', row));
  if (!rows || !rows.length) return null;
  const most = Math.max(...rows.map((r) => r[1]));
  const height = 18 * rows.length;
  const chart = svg('svg', { viewBox: `0 0 ${CHART_WIDTH} ${height}`, role: 'img', 'aria-label': `${word('chart_land', { km: String(DATA.charts.radius) })}${word('colon')}${rows.map((r) => `${say(r[0])} ${landFigure(r[1], row)}`).join(word('list_gap'))}` });
  rows.forEach(([kind, ha, oasis], k) => {
    const width = Math.max(1, (150 * ha) / most);
    const fill = oasis ? STYLE.oasis : '#B98B1E';
    chart.append(chartText(106, 18 * k + 13, clip(say(kind), 17), { 'text-anchor': 'end' }));
    chart.append(svg('rect', { x: 112, y: 18 * k + 3, width, height: 12, fill }));
    chart.append(chartText(116 + width, 18 * k + 13, landFigure(ha, row)));
  });
  return el('figure', {}, el('figcaption', {}, word('chart_land', { km: String(DATA.charts.radius) })), chart);
}

/** Values before and after the move, each on its own scale, under its name. @param {string} id @param {string} caption_ */
function capitalsChart(id, caption_) {
  const rows = own(DATA.charts.capitals, id);
  if (!rows || !rows.length) return null;
  const height = 34 * rows.length;
  const chart = svg('svg', { viewBox: `0 0 ${CHART_WIDTH} ${height}`, role: 'img', 'aria-label': `${caption_}${word('colon')}${rows.map((r) => `${r[0]} ${r[1]} → ${r[2]} ${r[3]}`).join(word('list_gap'))}` });
  rows.forEach(([item, before, after, unit], k) => {
    const y = 34 * k + 24;
    const most = Math.max(Math.abs(before), Math.abs(after)) || 1;
    const at = (v) => 6 + (104 * Math.max(0, v)) / most;
    chart.append(chartText(2, y - 11, clip(item, 52)));
    chart.append(svg('line', { x1: 6, x2: 110, y1: y, y2: y, stroke: 'var(--line)' }));
    chart.append(svg('line', { x1: at(before), x2: at(after), y1: y, y2: y, stroke: '#8A8A8A', 'stroke-width': 2 }));
    chart.append(svg('circle', { cx: at(before), cy: y, r: 4, fill: '#FFFFFF', stroke: ORIGIN, 'stroke-width': 1.5 }));
    chart.append(svg('circle', { cx: at(after), cy: y, r: 4, fill: SITE }));
    chart.append(chartText(122, y + 4, `${figure(before)} → ${figure(after)} ${clip(unit, 28)}`, { fill: 'var(--muted)' }));
  });
  return el('figure', {}, el('figcaption', {}, isolated(caption_)), chart);
}

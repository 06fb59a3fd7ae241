// @ts-check
/* Which rows are shown: those whose year has come and that the filter lets through; and sites that share one symbol. */

/** What the filter lets through, by row; null where nothing is filtered. @type {{text: string, site: Uint8Array | null, origin: Uint8Array | null, flow: Uint8Array | null}} */
let passed = { text: '', site: null, origin: null, flow: null };

/** Places whose name matches, all their flows, and the places at the other ends of these. */
function passing() {
  if (state.filter === passed.text) return passed; // asked for every row
  passed = { text: state.filter, site: null, origin: null, flow: null };
  if (!state.filter.trim()) return passed;
  const mark = (kind) => {
    const marks = new Uint8Array(lists[kind].table.n);
    for (const row of filtered(kind)) marks[row] = 1;
    return marks;
  };
  const [site, origin] = [mark('site'), mark('origin')];
  const named = [site.slice(), origin.slice()];
  const flow = new Uint8Array(flows.n);
  for (let i = 0; i < flows.n; i++) {
    const [s, o] = [flowSite[i], flowOrigin[i]];
    if (!named[0][s] && !named[1][o]) continue;
    flow[i] = 1;
    site[s] = 1;
    origin[o] = 1;
  }
  passed = { text: state.filter, site, origin, flow };
  return passed;
}

/** Whether every row is shown, so that none need be asked. */
function allShown() {
  return state.year === Infinity && !passing().site;
}

/** Whether a flow's year has come and the filter lets it through. @param {number} i */
function flowShown(i) {
  const { flow } = passing();
  return !(flowYear[i] > state.year) && !(siteYear[flowSite[i]] > state.year) && (!flow || flow[i] === 1);
}

/** Whether a site's year has come and the filter lets it through. @param {number} i */
function siteShown(i) {
  const { site } = passing();
  return !(siteYear[i] > state.year) && (!site || site[i] === 1);
}

/** Whether the filter lets an origin through. @param {number} i */
function originShown(i) {
  const { origin } = passing();
  return !origin || origin[i] === 1;
}

/* ---- sites at one position ---- */

/** Number of the position of each site that shares it with another, NaN of the others; null where none does. */
const placeOf = sites.has('place') ? sites.numbers('place') : null;

/**
 * Symbols of the sites that are shown, largest first: the row of the largest site at each position, what its size counts,
 * by row, and the rows of those that are more than one.
 * @typedef {{key: string, rows: Int32Array, values: Float64Array, members: Map<number, number[]>}} SiteSymbols
 */
/** @type {SiteSymbols} */
let siteSymbols_ = { key: placeOf ? '-' : '', rows: sitesBySize, values: siteHouseholds, members: new Map() };

/** @returns {SiteSymbols} */
function siteSymbols() {
  const key = placeOf ? `${state.year}:${state.filter}` : '';
  if (!placeOf || siteSymbols_.key === key) return siteSymbols_;
  const values = siteHouseholds.slice();
  /** @type {Map<number, number>} */
  const first = new Map();
  const members = new Map();
  const rows = [];
  for (const i of sitesBySize) {
    const place = placeOf[i];
    const leader = Number.isNaN(place) || !siteShown(i) ? undefined : first.get(place);
    if (leader === undefined) {
      rows.push(i);
      if (siteShown(i)) first.set(place, i);
    } else {
      members.set(leader, [...(members.get(leader) ?? [leader]), i]);
      if (!Number.isNaN(values[i])) values[leader] = (values[leader] || 0) + values[i];
    }
  }
  rows.sort((a, b) => (values[b] || -1) - (values[a] || -1));
  siteSymbols_ = { key, rows: Int32Array.from(rows), values, members };
  return siteSymbols_;
}

/** Id, count and half diagonal of the symbols, in their order of drawing. */
function siteSizes() {
  const { rows, values } = siteSymbols();
  return Array.from(rows).filter(siteShown).map((i) => [sites.value('id', i), values[i], siteRadius(values[i])]);
}

/** Row of the site whose symbol a site shares; its own where it has one. @param {number} row */
function symbolOf(row) {
  for (const [leader, rows] of siteSymbols().members) if (rows.includes(row)) return leader;
  return row;
}

/** Sites at the position of a site, itself among them. @param {number} row @returns {number[]} */
function sitesAt(row) {
  return siteSymbols().members.get(symbolOf(row)) ?? [row];
}

/** Numbers of sites at symbols that stand for several, the largest first. @param {Sheet} sheet */
function drawBadges(sheet) {
  const { ctx } = sheet;
  const { members, values } = siteSymbols();
  if (!members.size) return;
  putPixels(sheet);
  ctx.globalAlpha = 1;
  ctx.lineJoin = 'round';
  const largest = [...members.keys()].sort((a, b) => values[b] - values[a]).slice(0, 300);
  for (const i of largest) {
    const r = siteRadius(values[i]);
    const [x, y] = [siteXY[2 * i] * sheet.scale + sheet.dx, siteXY[2 * i + 1] * sheet.scale + sheet.dy];
    badge(ctx, members.get(i)?.length ?? 0, x + 0.6 * r, y - 0.6 * r);
    sheet.taken.push([x, y - r - 12, x + r + 14, y]);
  }
}

/** A number in a small disc. @param {CanvasRenderingContext2D} ctx @param {number} n @param {number} x @param {number} y */
function badge(ctx, n, x, y) {
  ctx.font = `600 10px ${SANS}`;
  if ('letterSpacing' in ctx) /** @type {any} */ (ctx).letterSpacing = '0px';
  const half = Math.max(6.5, ctx.measureText(String(n)).width / 2 + 3.5);
  ctx.beginPath();
  ctx.roundRect(x - half, y - 6.5, 2 * half, 13, 6.5);
  ctx.fillStyle = '#FFFFFF';
  ctx.fill();
  ctx.strokeStyle = INK;
  ctx.lineWidth = 1;
  ctx.stroke();
  ctx.fillStyle = INK;
  ctx.textAlign = 'center';
  ctx.textBaseline = 'middle';
  ctx.fillText(String(n), x, y + 0.5);
  ctx.textAlign = 'left';
}

/** The sites at the position of the one that is selected, each to be chosen. @param {number} row */
function siteList(row) {
  const here = sitesAt(row);
  if (here.length < 2) return '';
  const total = siteSymbols().values[symbolOf(row)];
  const head = `${word('stacked', { n: here.length })}${Number.isNaN(total) ? '' : `${word('colon')}${figure(total, 0)} ${countWord('sites').toLocaleLowerCase()}`}`;
  return el('details', { open: true, id: 'gs-here' }, el('summary', {}, head), el('ul', {}, here.slice(0, PAGE_ROWS).map((i) => el('li', {},
    i === row ? el('b', {}, isolated(rowName(sites, i))) : el('button', { type: 'button', class: 'gs-link', onclick: () => select({ kind: 'site', row: i }) }, isolated(rowName(sites, i))),
    sites.value(sizedBy('sites'), i) === null ? '' : ` ${figure(sites.value(sizedBy('sites'), i), 0)}`))),
  here.length > PAGE_ROWS ? el('p', { class: 'gs-note' }, word('and_more', { n: here.length - PAGE_ROWS })) : '');
}

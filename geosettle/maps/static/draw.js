// @ts-check
/* Drawing functions, by the kind of an element. The generic kinds are polygons, lines and points. */

const STYLE = DATA.style; // shared with the printed figures: geosettle/style.py
const SITE = STYLE.site;
const FLOW = STYLE.flow;
const ORIGIN = STYLE.origin;
const CHOSEN = STYLE.chosen;
const INK = STYLE.ink;
const MUTED = STYLE.muted;
const ASIDE = '#8A8580'; // sites for comparison, outside the study's scope
const CLASS_COLOURS = ['#FDE725', '#5DC863', '#21908C', '#3B528B', '#440154'];
const NO_DATA = '#E4E4E0';
const SANS = 'system-ui, "Segoe UI", "Noto Sans", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", "Noto Naskh Arabic", sans-serif';

const mostPerSite = greatest(sites.column('households'));
const mostPerFlow = greatest(flows.column('households'));
const originHouseholds = flowsOf.origin.map((rows) => rows.reduce((sum, i) => sum + (flows.value('households', i) || 0), 0));
const mostPerOrigin = greatest(originHouseholds);

/** @param {any[]} values */
function greatest(values) {
  let most = 0;
  for (const v of values) if (v > most) most = v;
  return most || 1;
}

/**
 * Symbols of more than some hundred sites would hide each other and the map; they shrink together, and grow again as one
 * zooms in. 1 for a study of ordinary size. Set for every painting.
 */
let crowding = 1;

/** @param {number} zoom */
function setCrowding(zoom) {
  const spread = 2 ** (zoom - (map ? map.getBoundsZoom(leafletBounds(DATA.view)) : zoom));
  crowding = Math.max(0.18, Math.min(1, Math.sqrt(400 / Math.max(1, sites.n, origins.n)) * spread));
}

/** Half diagonal of a site's diamond: its area is proportional to households. @param {number | null} households */
function siteRadius(households) {
  const [least, most] = STYLE.siteRadius;
  return crowding * (households === null ? least + 1.5 : Math.max(least, most * Math.sqrt(households / mostPerSite)));
}

/** Width of a flow at its site. @param {number | null} households */
function flowWidth(households) {
  const [least, most] = STYLE.flowWidth;
  return crowding * (households === null ? least + 0.4 : Math.max(least + 0.4, (most * households) / mostPerFlow));
}

/** Radius of an origin's ring. @param {number} row */
function originRadius(row) {
  const [least, most] = STYLE.originRadius;
  return Math.max(0.5, crowding) * (least + 0.4 + (most - least) * Math.sqrt(originHouseholds[row] / mostPerOrigin));
}

/** Counts of what the last painting drew, for the summary and for tests. */
const drawn = { sites: 0, origins: 0, flows: 0, labels: 0 };

/** @type {Object<string, (sheet: Sheet, element: any) => void>} */
const DRAW = {
  picture() {}, // a picture of its own, see tools.js
  areas() {},
  polygons: drawParts,
  lines: drawParts,
  points: drawPoints,
  graticule: drawGraticule,
  discs: drawDiscs,
  flows: drawFlows,
  origins: drawOrigins,
  sites: drawSites,
  change: drawChange,
  labels: drawLabels,
};

/** Everything, from the ground up. @param {Sheet} sheet */
function drawAll(sheet) {
  setCrowding(sheet.zoom);
  for (const element of DATA.elements) {
    // An area layer would show through oasis and veil in colours that no legend names.
    if (state.hidden.has(element.name) || (state.area && ['oasis', 'surroundings'].includes(element.name))) continue;
    sheet.ctx.save();
    DRAW[element.kind](sheet, element);
    sheet.ctx.restore();
    if (element.kind === 'discs' && state.selected) drawRings(sheet);
  }
}

/** Features of a part, read once. @param {any} part */
function featuresOf(part) {
  if (!part.features) {
    part.features = readOutlines(part.paths);
    part.year = part.years ? readColumn(part.years) : null;
    part.features.forEach((f, i) => { f.row = i; });
  }
  return part.features;
}

/** @param {Sheet} sheet @param {any} element */
function drawParts(sheet, element) {
  const { ctx } = sheet;
  for (const part of element.parts) {
    const { style } = part;
    const features = featuresOf(part).filter((f, i) => inView(sheet, f.box) && !(part.year && part.year[i] > state.year));
    const inks = parcelInks(part);
    ctx.globalAlpha = style.opacity ?? 1;
    ctx.lineJoin = 'round';
    if (style.fill) {
      for (const feature of features) {
        ctx.fillStyle = parcelFill(ctx, style, inks ? inks[feature.row] : style.fill);
        ctx.beginPath();
        trace(sheet, feature, true);
        ctx.fill('evenodd');
      }
    }
    if (style.stroke) {
      ctx.strokeStyle = style.hatch && !inks ? style.fill : style.stroke;
      ctx.lineWidth = style.width || 1;
      ctx.setLineDash(style.dash || []);
      ctx.beginPath();
      for (const feature of features) trace(sheet, feature, element.kind === 'polygons' && Boolean(style.fill));
      ctx.stroke();
      ctx.setLineDash([]);
    }
  }
}

/** @param {Sheet} sheet @param {any} element */
function drawPoints(sheet, element) {
  const { ctx } = sheet;
  for (const part of element.parts) {
    part.xy ??= positions(makeTable({ n: readColumn(part.lon).length, columns: { lon: part.lon, lat: part.lat } }));
    ctx.fillStyle = part.style.fill;
    ctx.strokeStyle = '#FFFFFF';
    ctx.lineWidth = 1;
    for (let i = 0; i < part.xy.length; i += 2) {
      const x = part.xy[i] * sheet.scale + sheet.dx;
      const y = part.xy[i + 1] * sheet.scale + sheet.dy;
      if (!(x > -9 && y > -9 && x < sheet.width + 9 && y < sheet.height + 9)) continue;
      ctx.beginPath();
      if (part.style.symbol === 'square') ctx.rect(x - 2.2, y - 2.2, 4.4, 4.4);
      else ctx.arc(x, y, part.style.radius || 2.5, 0, 2 * Math.PI);
      ctx.fill();
      ctx.stroke();
      sheet.taken.push([x - 3, y - 3, x + 3, y + 3]);
    }
  }
}

/** Degrees between lines so that a handful cross the view. @param {Sheet} sheet */
function graticuleStep(sheet) {
  const degrees = ((sheet.box[2] - sheet.box[0]) * 360) / 8;
  return [30, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05].reduce((best, s) => (Math.abs(s - degrees) < Math.abs(best - degrees) ? s : best));
}

/** Longitude and latitude of a position in the unit square. @param {number} x @param {number} y */
function toLonLat(x, y) {
  return [(x - 0.5) * 360, (Math.asin(Math.tanh((0.5 - y) * 2 * Math.PI)) * 180) / Math.PI];
}

/** @param {number} value @param {string} plus @param {string} minus @param {number} digits */
function degrees(value, plus, minus, digits) {
  return `${Math.abs(value).toFixed(digits)}°${value < 0 ? minus : plus}`;
}

/** @param {Sheet} sheet */
function drawGraticule(sheet) {
  const { ctx } = sheet;
  const step = graticuleStep(sheet);
  const digits = step < 0.1 ? 2 : step < 1 ? 1 : 0;
  const [west, north] = toLonLat(sheet.box[0], sheet.box[1]);
  const [east, south] = toLonLat(sheet.box[2], sheet.box[3]);
  ctx.strokeStyle = STYLE.graticule;
  ctx.globalAlpha = 0.42;
  ctx.lineWidth = 0.6;
  ctx.beginPath();
  /** @type {any[]} */
  const marks = [];
  for (let lon = Math.ceil(west / step) * step; lon <= east; lon += step) {
    const x = mercatorX(lon) * sheet.scale + sheet.dx;
    ctx.moveTo(x, 0);
    ctx.lineTo(x, sheet.height);
    marks.push([degrees(meridian(lon), 'E', 'W', digits), x, null]);
  }
  for (let lat = Math.ceil(south / step) * step; lat <= north; lat += step) {
    const y = mercatorY(lat) * sheet.scale + sheet.dy;
    ctx.moveTo(0, y);
    ctx.lineTo(sheet.width, y);
    marks.push([degrees(lat, 'N', 'S', digits), null, y]);
  }
  ctx.stroke();
  ctx.globalAlpha = 1;
  const [edge, top] = sheet.frame;
  ctx.font = `10.5px ${SANS}`;
  ctx.fillStyle = MUTED;
  ctx.strokeStyle = 'rgba(255,255,255,0.6)'; // legible on any layer
  ctx.lineWidth = 2.5;
  ctx.lineJoin = 'round';
  ctx.textBaseline = 'middle';
  for (const [text, x, y] of marks) {
    const width = ctx.measureText(text).width;
    const left = x === null ? edge + 5 : x - width / 2;
    const middle = y === null ? top + 9 : y - 7;
    const box = [left - 2, middle - 7, left + width + 2, middle + 7];
    if (box[0] < edge || box[1] < top || sheet.taken.some((b) => overlap(b, box))) continue;
    sheet.taken.push(box);
    ctx.textAlign = 'left';
    ctx.strokeText(text, left, middle);
    ctx.fillText(text, left, middle);
  }
}

/** @param {Sheet} sheet */
function drawDiscs(sheet) {
  const { ctx } = sheet;
  ctx.lineWidth = 0.9;
  ctx.setLineDash([2, 2.5]);
  for (const [table, colour] of /** @type {[any, string][]} */ ([[origins, ORIGIN], [sites, STYLE.uncertainty]])) {
    if (!table.has('uncertainty_km')) continue;
    const lon = table.column('lon');
    const lat = table.column('lat');
    const km = table.column('uncertainty_km');
    ctx.strokeStyle = colour;
    ctx.fillStyle = colour;
    for (let i = 0; i < table.n; i++) {
      if (lon[i] === null || !(km[i] > 0)) continue;
      const pixels = (km[i] * 1000) / metresPerPixel(lat[i], sheet.zoom);
      const x = mercatorX(lon[i]) * sheet.scale + sheet.dx;
      const y = mercatorY(lat[i]) * sheet.scale + sheet.dy;
      // A disc smaller than its symbol says nothing; one outside the view is not seen.
      if (pixels < 5 || x < -pixels || y < -pixels || x > sheet.width + pixels || y > sheet.height + pixels) continue;
      const faded = state.selected && !concerns(table, i);
      ctx.beginPath();
      trace(sheet, circle(lon[i], lat[i], km[i]), true);
      ctx.globalAlpha = faded ? 0.01 : 0.06 * Math.max(0.4, Math.min(1, 60 / pixels)); // a large disc weighs no more than a small one
      ctx.fill();
      ctx.globalAlpha = faded ? 0.12 : 0.55;
      ctx.stroke();
    }
  }
}

/** Whether a row is the selected one or linked to it by a flow. @param {any} table @param {number} row */
function concerns(table, row) {
  const { selected } = state;
  if (!selected) return true;
  const own = selected.kind === 'site' ? sites : origins;
  if (table === own) return row === selected.row;
  const far = selected.kind === 'site' ? 'origin' : 'site';
  return flowsOf[selected.kind][selected.row].some((i) => flows.value(far, i) === row);
}

/** @param {Sheet} sheet */
function drawRings(sheet) {
  const table = state.selected?.kind === 'site' ? sites : origins;
  const row = state.selected?.row ?? 0;
  const lon = table.value('lon', row);
  const lat = table.value('lat', row);
  if (lon === null) return;
  const { ctx } = sheet;
  ctx.save();
  for (const km of [25, 50, 100]) {
    ctx.beginPath();
    trace(sheet, circle(lon, lat, km), true);
    ctx.strokeStyle = '#333333';
    ctx.lineWidth = 1;
    ctx.setLineDash([2, 4]);
    ctx.stroke();
    ctx.setLineDash([]);
    const [x, y] = destination(lon, lat, 0, km * 1000);
    const look = { font: `600 10.5px ${SANS}`, size: 10.5, colour: '#0B4A73', places: 'c', must: true };
    label(sheet, `${km} ${word('km')}`, mercatorX(x) * sheet.scale + sheet.dx, mercatorY(y) * sheet.scale + sheet.dy, look);
  }
  ctx.restore();
}

const flowOrigin = flows.column('origin');
const flowSite = flows.column('site');
const flowYear = flows.column('year');
const siteYear = sites.column('year');

/** Whether a flow's year has come. @param {number} i */
function flowShown(i) {
  return (flowYear[i] === null || flowYear[i] <= state.year) && siteShown(flowSite[i]);
}

/** Whether a site's year has come. @param {number} i */
function siteShown(i) {
  return typeof siteYear[i] !== 'number' || siteYear[i] <= state.year;
}

/**
 * Control points of a flow in pixels: origin, bend, site. The bend is to the left of the way.
 * @param {Sheet} sheet @param {number} i @returns {number[] | null}
 */
function bend(sheet, i) {
  const o = 2 * flowOrigin[i];
  const s = 2 * flowSite[i];
  const ax = originXY[o] * sheet.scale + sheet.dx;
  const ay = originXY[o + 1] * sheet.scale + sheet.dy;
  const bx = siteXY[s] * sheet.scale + sheet.dx;
  const by = siteXY[s + 1] * sheet.scale + sheet.dy;
  if (Number.isNaN(ax + bx)) return null;
  return [ax, ay, (ax + bx) / 2 - (by - ay) * 0.16, (ay + by) / 2 + (bx - ax) * 0.16, bx, by];
}

/**
 * Outline of a flow that widens from its tapered end at the origin to its full width at the site.
 * @param {CanvasRenderingContext2D} ctx @param {number[]} p @param {number} width
 */
function traceFlow(ctx, p, width) {
  const [ax, ay, cx, cy, bx, by] = p;
  const la = Math.hypot(cx - ax, cy - ay) || 1;
  const lb = Math.hypot(bx - cx, by - cy) || 1;
  const wa = Math.max(STYLE.flowTaper * width, Math.min(width, 0.9)) / 2 / la; // thinner would not be seen
  const wb = width / 2 / lb;
  const nax = -(cy - ay) * wa;
  const nay = (cx - ax) * wa;
  const nbx = -(by - cy) * wb;
  const nby = (bx - cx) * wb;
  const ncx = (nax + nbx) / 2;
  const ncy = (nay + nby) / 2;
  ctx.moveTo(ax + nax, ay + nay);
  ctx.quadraticCurveTo(cx + ncx, cy + ncy, bx + nbx, by + nby);
  ctx.lineTo(bx - nbx, by - nby);
  ctx.quadraticCurveTo(cx - ncx, cy - ncy, ax - nax, ay - nay);
  ctx.closePath();
}

/** @param {Sheet} sheet */
function drawFlows(sheet) {
  const { ctx } = sheet;
  const { selected } = state;
  const chosen = selected ? new Set(flowsOf[selected.kind][selected.row]) : null;
  const households = flows.column('households');
  const opacity = STYLE.flowOpacity;
  // Flows of one batch do not darken where they cross; with thousands nobody could tell, and it is three times as fast.
  const batch = flows.n > CROWD ? 60 : 1;
  let pending = 0;
  let count = 0;
  for (const front of chosen ? [false, true] : [false]) {
    ctx.fillStyle = front ? CHOSEN : FLOW;
    const plain = state.area ? opacity.others : flows.n > CROWD ? opacity.normal / 2 : opacity.normal;
    ctx.globalAlpha = chosen ? (front ? opacity.selected : opacity.others) : plain;
    for (let i = 0; i < flows.n; i++) {
      if ((chosen && chosen.has(i) !== front) || !flowShown(i)) continue;
      const p = bend(sheet, i);
      if (!p) continue;
      count++;
      if (Math.max(p[0], p[2], p[4]) < 0 || Math.min(p[0], p[2], p[4]) > sheet.width) continue;
      if (Math.max(p[1], p[3], p[5]) < 0 || Math.min(p[1], p[3], p[5]) > sheet.height) continue;
      // A flow shorter than its symbols are wide cannot be seen under them.
      if (Math.abs(p[0] - p[4]) < 2 && Math.abs(p[1] - p[5]) < 2) continue;
      if (pending === 0) ctx.beginPath();
      traceFlow(ctx, p, flowWidth(households[i]));
      if (++pending >= batch) {
        ctx.fill();
        pending = 0;
      }
    }
    if (pending) ctx.fill();
    pending = 0;
  }
  drawn.flows = count;
}

/** @param {Sheet} sheet */
function drawOrigins(sheet) {
  const { ctx } = sheet;
  let count = 0;
  for (let i = 0; i < origins.n; i++) {
    const x = originXY[2 * i] * sheet.scale + sheet.dx;
    const y = originXY[2 * i + 1] * sheet.scale + sheet.dy;
    if (Number.isNaN(x)) continue;
    count++;
    if (!(x > -9 && y > -9 && x < sheet.width + 9 && y < sheet.height + 9)) continue;
    const r = originRadius(i);
    ctx.globalAlpha = 1;
    ctx.beginPath();
    ctx.arc(x, y, r, 0, 2 * Math.PI);
    ctx.fillStyle = '#FFFFFF';
    ctx.fill();
    ctx.lineWidth = state.selected?.kind === 'origin' && state.selected.row === i ? 2.6 : 1.5;
    ctx.strokeStyle = concerns(origins, i) ? ORIGIN : paled(ORIGIN);
    ctx.stroke();
    if (origins.n < 2000) sheet.taken.push([x - r, y - r, x + r, y + r]);
  }
  drawn.origins = count;
}

/** Classes of the indicators that were chosen so far. @type {Object<string, {tops: number[], labels: string[]}>} */
const indicatorClasses = {};

/** Colour of a site under the chosen indicator. @param {number} row */
function siteColour(row) {
  if (!state.indicator) return sites.value('aside', row) ? ASIDE : SITE;
  const value = sites.value(state.indicator, row);
  if (value === null) return NO_DATA;
  const { tops } = (indicatorClasses[state.indicator] ??= classesOf(state.indicator));
  return CLASS_COLOURS[tops.findIndex((top) => value <= top)];
}

/**
 * At most five classes of about equal count: the highest value of each, ascending, and labels. Few distinct values make
 * a class each.
 * @param {string} column
 */
function classesOf(column) {
  const values = sites.column(column).filter((v) => v !== null).sort((a, b) => a - b);
  const distinct = [...new Set(values)];
  const shares = [0.2, 0.4, 0.6, 0.8, 1].map((q) => values[Math.ceil(q * values.length) - 1]);
  const tops = distinct.length <= CLASS_COLOURS.length ? distinct : [...new Set(shares)];
  const labels = tops.map((top, k) => {
    const low = values.find((v) => k === 0 || v > tops[k - 1]);
    return figure(low) === figure(top) ? figure(top) : `${figure(low)}–${figure(top)}`;
  });
  return { tops, labels };
}

/** Rows of sites, largest first, so that small ones stay visible on top of large ones. */
const sitesBySize = bySize(sites.column('households'));

/** @param {any[]} values */
function bySize(values) {
  return Array.from(values.keys()).sort((a, b) => (values[b] ?? -1) - (values[a] ?? -1));
}

/** From how many sites on they are drawn pixel by pixel. */
const CROWD = 3000;

/** @param {Sheet} sheet */
function drawSites(sheet) {
  const chosen = state.selected?.kind === 'site' ? state.selected.row : -1;
  const order = chosen < 0 ? sitesBySize : [...sitesBySize.filter((i) => i !== chosen), chosen];
  const households = sites.column('households');
  const colours = new Map();
  const marks = [];
  let count = 0;
  for (const i of order) {
    const x = siteXY[2 * i] * sheet.scale + sheet.dx;
    const y = siteXY[2 * i + 1] * sheet.scale + sheet.dy;
    if (Number.isNaN(x) || !siteShown(i)) continue;
    count++;
    if (!(x > -20 && y > -20 && x < sheet.width + 20 && y < sheet.height + 20)) continue;
    const colour = i === chosen ? CHOSEN : siteColour(i);
    if (!colours.has(colour)) colours.set(colour, rgbOf(colour));
    const alpha = state.selected && !concerns(sites, i) ? 0.45 : 1;
    marks.push({ x, y, r: siteRadius(households[i]), colour, rgb: colours.get(colour), alpha, hollow: households[i] === null });
  }
  if (sites.n > CROWD) speckle(sheet, marks);
  else for (const mark of marks) drawSite(sheet, mark);
  drawn.sites = count;
}

/** @param {Sheet} sheet @param {{x: number, y: number, r: number, colour: string, alpha: number, hollow: boolean}} mark */
function drawSite(sheet, mark) {
  const { ctx } = sheet;
  // A faded symbol is pale, not transparent: what lies under it would make it another sign.
  const colour = mark.alpha < 1 ? paled(mark.colour) : mark.colour;
  ctx.globalAlpha = 1;
  ctx.lineJoin = 'miter';
  diamond(ctx, mark.x, mark.y, mark.r);
  ctx.strokeStyle = '#FFFFFF';
  ctx.lineWidth = mark.hollow ? 4.5 : 3;
  ctx.stroke();
  ctx.fillStyle = mark.hollow && !state.indicator ? '#FFFFFF' : colour;
  ctx.fill();
  if (mark.hollow || state.indicator) {
    ctx.strokeStyle = !state.indicator ? colour : mark.alpha < 1 || mark.colour === NO_DATA ? '#8A949B' : INK;
    ctx.lineWidth = mark.hollow && !state.indicator ? 1.8 : 1;
    ctx.stroke();
  }
  sheet.taken.push([mark.x - mark.r, mark.y - mark.r, mark.x + mark.r, mark.y + mark.r]);
}

/** The part of a name that fits on a map: without what stands in brackets, cut at 34 letters. @param {string} text */
function shortName(text) {
  const bare = String(text).replace(/\s*[([（].*$/su, '').trim() || String(text);
  const letters = Array.from(bare.replace(/[\u0000-\u001f]/gu, ' ').replace(/[\u202a-\u202e\u2066-\u2069]/gu, ''));
  const cut = letters.length > 34 ? `${letters.slice(0, 33).join('')}…` : letters.join('');
  return `\u2068${cut}\u2069`; // isolated, so that no name turns its neighbours around
}

/** @param {Sheet} sheet @param {any} element */
function drawLabels(sheet, element) {
  drawn.labels = 0; // of sites
  const seen = (x, y) => x > 0 && y > 0 && x < sheet.width && y < sheet.height;
  const chosen = state.selected?.kind === 'site' ? state.selected.row : -1;
  let tried = 0;
  for (const i of chosen < 0 ? sitesBySize : [chosen, ...sitesBySize.filter((row) => row !== chosen)]) {
    const x = siteXY[2 * i] * sheet.scale + sheet.dx;
    const y = siteXY[2 * i + 1] * sheet.scale + sheet.dy;
    if (!seen(x, y) || !siteShown(i) || tried++ > 400) continue;
    const look = { font: `600 12px ${SANS}`, size: 12, colour: concerns(sites, i) ? INK : '#85898C', gap: siteRadius(sites.value('households', i)) + 4, places: 'rlab' };
    if (label(sheet, shortName(rowName(sites, i)), x, y, look)) drawn.labels++;
  }
  sheet.ctx.globalAlpha = 1;
  labelOrigins(sheet, seen);
  element.table ??= makeTable(element);
  const { table } = element;
  element.xy ??= positions(table);
  const rank = table.column('rank');
  element.sorted ??= Array.from({ length: table.n }, (_, i) => i).sort((a, b) => rank[a] - rank[b]);
  const placed = new Set();
  for (const i of element.sorted) {
    if (placed.has(table.value('group', i))) continue;
    const x = element.xy[2 * i] * sheet.scale + sheet.dx;
    const y = element.xy[2 * i + 1] * sheet.scale + sheet.dy;
    if (!seen(x, y)) continue;
    const style = table.value('style', i);
    if (style === 'unit' && sheet.zoom < 7.5) continue;
    const local = state.lang === 'zh' ? table.value('local', i) : null;
    const text = shortName(local || table.value('name', i) || '');
    if (label(sheet, text, x, y, NAME_LOOKS[style])) placed.add(table.value('group', i));
  }
}

/** Origins of what is selected, else all of them once they lie apart. @param {Sheet} sheet @param {(x: number, y: number) => boolean} seen */
function labelOrigins(sheet, seen) {
  if (state.hidden.has('origins') || (!state.selected && (sheet.zoom < 8.5 || origins.n > 2000))) return;
  let tried = 0;
  for (let i = 0; i < origins.n && tried < 200; i++) {
    const x = originXY[2 * i] * sheet.scale + sheet.dx;
    const y = originXY[2 * i + 1] * sheet.scale + sheet.dy;
    if (!seen(x, y) || !concerns(origins, i)) continue;
    tried++;
    label(sheet, shortName(rowName(origins, i)), x, y, { font: `500 11px ${SANS}`, size: 11, colour: ORIGIN, gap: originRadius(i) + 3, places: 'rlab' });
  }
}

const NAME_LOOKS = {
  place: { font: `11px ${SANS}`, size: 11, colour: '#3F464B', gap: 5, places: 'rlab' },
  region: { font: `500 14px ${SANS}`, size: 14, colour: '#5F5A50', places: 'c', spacing: '3px', margin: 18 },
  unit: { font: `italic 11px ${SANS}`, size: 11, colour: '#77726A', places: 'c', spacing: '0.8px' },
};

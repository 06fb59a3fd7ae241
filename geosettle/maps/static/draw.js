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
/** Of the sites by a text: so many levels have a colour of their own, all others share one. @type {string[]} */
const LEVEL_COLOURS = STYLE.categories;
const CLASS_COLOURS = ['#FDE725', '#5DC863', '#21908C', '#3B528B', '#440154'];
const NO_DATA = '#E4E4E0';
const SANS = 'system-ui, "Segoe UI", "Noto Sans", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", "Noto Naskh Arabic", sans-serif';

const siteHouseholds = sites.numbers(sizedBy('sites'));
const flowHouseholds = flows.numbers(sizedBy('flows'));
const flowOrigin = flows.rows('origin');
const flowSite = flows.rows('site');
const flowYear = flows.numbers('year');
const siteYear = sites.numbers('year');

/** How far the middle control point of a flow lies off its straight line, as a share of its length. */
const BEND = 0.16;

const mostPerSite = DATA.most.site;
const mostPerFlow = DATA.most.flow;
const mostPerOrigin = DATA.most.origin;
const originHouseholds = origins.numbers('moved');

/** Where sites, origins and the swing of their flows lie in Web Mercator: left, top, right, bottom. */
const extent = DATA.extent ? withSwing(mercatorBox(DATA.extent.box), (BEND / 2) * DATA.extent.longest) : [0, 0, 0, 0];

/** @param {number[]} box @param {number} swing */
function withSwing(box, swing) {
  return [box[0] - swing, box[1] - swing, box[2] + swing, box[3] + swing];
}

/**
 * Symbols of more than some hundred sites would hide each other and the map; they shrink together, and grow again as one
 * zooms in. 1 for a study of ordinary size. Set for every painting.
 */
let crowding = 1;

/** @param {Sheet} sheet */
function setCrowding(sheet) {
  const [left, top, right, bottom] = sheet.frame;
  const spread = 2 ** (sheet.zoom - fittingZoom(DATA.view, right - left, bottom - top));
  crowding = Math.max(0.18, Math.min(1, Math.sqrt(400 / Math.max(1, sites.n, origins.n)) * spread));
}

const [LEAST_FLOW, MOST_FLOW] = STYLE.flowWidth;

/**
 * How a symbol's size follows from households: base + range * sqrt(households / most), no less than least.
 * @typedef {{least: number, base: number, range: number, most: number, unknown: number}} Sizes
 */
/** Half diagonal of a site's diamond: its area is proportional to households. @type {Sizes} */
const SITE_SIZES = { least: STYLE.siteRadius[0], base: 0, range: STYLE.siteRadius[1], most: mostPerSite, unknown: STYLE.siteRadius[0] + 1.5 };
/** Radius of an origin's ring. @type {Sizes} */
const ORIGIN_SIZES = { least: 0, base: STYLE.originRadius[0] + 0.4, range: STYLE.originRadius[1] - STYLE.originRadius[0], most: mostPerOrigin, unknown: 0 };

/** @param {Sizes} sizes @param {number} households NaN: unknown */
function sized(sizes, households) {
  if (households !== households) return sizes.unknown;
  const size = sizes.base + sizes.range * Math.sqrt(households / sizes.most);
  return size < sizes.least ? sizes.least : size;
}

/** @param {number | null} households null or NaN: unknown */
function siteRadius(households) {
  return crowding * sized(SITE_SIZES, households ?? NaN);
}

/** @param {number} row */
function originRadius(row) {
  return ringCrowding() * sized(ORIGIN_SIZES, originHouseholds[row]);
}

/** Rings are small already. */
function ringCrowding() {
  return Math.max(0.5, crowding);
}

/** Width of a flow at its site. @param {number | null} households null or NaN: unknown */
function flowWidth(households) {
  if (households === null || households !== households) return crowding * (LEAST_FLOW + 0.4);
  return crowding * Math.max(LEAST_FLOW + 0.4, (MOST_FLOW * households) / mostPerFlow);
}

/** Counts of what the last painting drew, for the summary and for tests. */
const drawn = { sites: 0, origins: 0, flows: 0, labels: 0 };

/** @type {Object<string, (sheet: Sheet, element: any) => void>} */
const DRAW = {
  picture() {}, // a picture of its own, see tools.js
  areas() {},
  units: drawUnits,
  polygons: drawParts,
  lines: drawParts,
  points: drawPoints,
  graticule: drawGraticule,
  discs: drawDiscs,
  flows: drawFlows,
  ways: drawWays,
  origins: drawOrigins,
  sites: drawSites,
  change: drawChange,
  labels: drawLabels,
};

/** Everything, from the ground up. @param {Sheet} sheet */
function drawAll(sheet) {
  drawMarks(sheet);
  drawNames(sheet);
  drawMeasure(sheet);
}

/** All but the writing, from the ground up. @param {Sheet} sheet */
function drawMarks(sheet) {
  setCrowding(sheet);
  let rings = Boolean(state.selected);
  for (const element of DATA.elements) {
    if (!CROWDED.has(element.kind)) putPixels(sheet);
    else if (rings) {
      drawRings(sheet); // under flows and symbols, whichever of them there are
      rings = false;
    }
    if (element.kind === 'labels' || state.hidden.has(element.name) || isCovered(element)) continue;
    sheet.ctx.save();
    DRAW[element.kind](sheet, element);
    sheet.ctx.restore();
  }
  putPixels(sheet);
  drawUnitMarks(sheet);
}

/** Whether an element would show through, or mix with, what the reader chose to see. @param {any} element */
function isCovered(element) {
  return (state.area && ['oasis', 'surroundings'].includes(element.name)) || (element.name === 'oasis' && chosenMeasure() !== null);
}

/** The writing: it needs the boxes of all symbols, and of the controls that lie over the map. @param {Sheet} sheet */
function drawNames(sheet) {
  const shown = (kind) => DATA.elements.filter((e) => e.kind === kind && !state.hidden.has(e.name));
  // A crowd of flows left this to the end: the first picture does not wait for it.
  if (flows.n > CROWD && origins.n < 2000 && !state.hidden.has('origins')) for (let i = 0; i < origins.n; i++) if (originShown(i)) takePlace(sheet, originXY, i, originRadius(i));
  nameRings(sheet);
  for (const [kind, write] of /** @type {[string, (sheet: Sheet, element: any) => void][]} */ ([['graticule', drawDegrees], ['labels', drawLabels]])) {
    for (const element of shown(kind)) {
      sheet.ctx.save();
      write(sheet, element);
      sheet.ctx.restore();
    }
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
    part.xy ??= positions({ n: readWhole(part.lon).length, columns: part });
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
  return [30, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001].reduce((best, s) => (Math.abs(s - degrees) < Math.abs(best - degrees) ? s : best));
}

/** Longitude and latitude of a position in the unit square. @param {number} x @param {number} y */
function toLonLat(x, y) {
  return [(x - 0.5) * 360, (Math.asin(Math.tanh((0.5 - y) * 2 * Math.PI)) * 180) / Math.PI];
}

/** @param {number} value @param {string} plus @param {string} minus @param {number} digits */
function degrees(value, plus, minus, digits) {
  const size = Math.abs(value).toFixed(digits);
  return `${size}°${Number(size) % 180 === 0 ? '' : value < 0 ? minus : plus}`; // the Equator, Greenwich and the antimeridian are on no side
}

/** Meridians and parallels of a sheet: text and x or y. @param {Sheet} sheet @returns {[string, number | null, number | null][]} */
function graticuleLines(sheet) {
  const step = graticuleStep(sheet);
  const digits = step < 0.01 ? 3 : step < 0.1 ? 2 : step < 1 ? 1 : 0;
  const [west, north] = toLonLat(sheet.box[0], sheet.box[1]);
  const [east, south] = toLonLat(sheet.box[2], sheet.box[3]);
  /** @type {[string, number | null, number | null][]} */
  const lines = [];
  for (let lon = Math.ceil(west / step) * step; lon <= east; lon += step) {
    lines.push([degrees(meridian(lon), 'E', 'W', digits), mercatorX(lon) * sheet.scale + sheet.dx, null]);
  }
  for (let lat = Math.ceil(south / step) * step; lat <= north; lat += step) {
    lines.push([degrees(lat, 'N', 'S', digits), null, mercatorY(lat) * sheet.scale + sheet.dy]);
  }
  return lines;
}

/** @param {Sheet} sheet */
function drawGraticule(sheet) {
  const { ctx } = sheet;
  ctx.strokeStyle = STYLE.graticule;
  ctx.globalAlpha = 0.42;
  ctx.lineWidth = 0.6;
  ctx.beginPath();
  for (const [, x, y] of graticuleLines(sheet)) {
    ctx.moveTo(x ?? 0, y ?? 0);
    ctx.lineTo(x ?? sheet.width, y ?? sheet.height);
  }
  ctx.stroke();
}

/** What the lines of the graticule are, at the edge of the view. @param {Sheet} sheet */
function drawDegrees(sheet) {
  const { ctx } = sheet;
  const [edge, top] = sheet.frame;
  ctx.font = `10.5px ${SANS}`;
  ctx.fillStyle = MUTED;
  ctx.strokeStyle = 'rgba(255,255,255,0.6)'; // legible on any layer
  ctx.lineWidth = 2.5;
  ctx.lineJoin = 'round';
  ctx.textBaseline = 'middle';
  for (const [text, x, y] of graticuleLines(sheet)) {
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

/** Row of the outline of the area in which a place is; null where it is a disc. @param {any} element @param {'site' | 'origin'} kind @returns {(number | null)[]} */
function regionsOf(element, kind) {
  element.read ??= { site: readColumn(element.areas.site), origin: readColumn(element.areas.origin) };
  return element.read[kind];
}

/** Areas in which places of a kind are, each once. @param {Sheet} sheet @param {any} element @param {'site' | 'origin'} kind */
function drawRegions(sheet, element, kind) {
  const { ctx } = sheet;
  const [table, colour, isShown] = kind === 'site' ? [sites, STYLE.uncertainty, siteShown] : [origins, ORIGIN, originShown];
  /** @type {Map<number, boolean>} */
  const concerned = new Map();
  regionsOf(element, kind).forEach((shape, row) => {
    if (shape !== null && isShown(row)) concerned.set(shape, Boolean(concerned.get(shape)) || concerns(table, row));
  });
  const features = featuresOf(element.parts[0]);
  ctx.strokeStyle = colour;
  ctx.fillStyle = colour;
  ctx.lineWidth = 0.9;
  ctx.setLineDash([2, 2.5]);
  for (const [shape, near] of concerned) {
    if (!inView(sheet, features[shape].box)) continue;
    ctx.beginPath();
    trace(sheet, features[shape], true);
    ctx.globalAlpha = near ? 0.05 : 0.01;
    ctx.fill('evenodd');
    ctx.globalAlpha = near ? 0.7 : 0.12;
    ctx.stroke();
  }
}

/** @param {Sheet} sheet @param {any} element */
function drawDiscs(sheet, element) {
  const { ctx } = sheet;
  for (const kind of /** @type {('origin' | 'site')[]} */ (element.areas ? ['origin', 'site'] : [])) drawRegions(sheet, element, kind);
  ctx.lineWidth = 0.9;
  ctx.setLineDash([2, 2.5]);
  for (const [table, colour] of /** @type {[any, string][]} */ ([[origins, ORIGIN], [sites, STYLE.uncertainty]])) {
    if (!table.has('uncertainty_km')) continue;
    const lon = table.column('lon');
    const lat = table.column('lat');
    const km = table.column('uncertainty_km');
    const region = element.areas ? regionsOf(element, table === sites ? 'site' : 'origin') : null;
    ctx.strokeStyle = colour;
    ctx.fillStyle = colour;
    for (let i = 0; i < table.n; i++) {
      if (lon[i] === null || !(km[i] > 0) || (region && region[i] !== null) || !(table === sites ? siteShown(i) : originShown(i))) continue;
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

/** Radii of the rings around what is selected. */
const RINGS_KM = [25, 50, 100];

/** Longitude and latitude of what is selected; null if nothing is or its place is unknown. @returns {[number, number] | null} */
function placeSelected() {
  const { selected } = state;
  const table = selected?.kind === 'origin' ? origins : sites;
  const lon = selected ? table.value('lon', selected.row) : null;
  return lon === null || !selected ? null : [lon, table.value('lat', selected.row)];
}

/** @param {Sheet} sheet */
function drawRings(sheet) {
  const at = placeSelected();
  if (!at) return;
  const { ctx } = sheet;
  ctx.save();
  ctx.strokeStyle = '#333333';
  ctx.lineWidth = 1;
  ctx.setLineDash([2, 4]);
  for (const km of RINGS_KM) {
    ctx.beginPath();
    trace(sheet, circle(at[0], at[1], km), true);
    ctx.stroke();
  }
  ctx.restore();
}

/** Name each ring in its north, else where the view, the card, symbols and other names leave room. @param {Sheet} sheet */
function nameRings(sheet) {
  const at = placeSelected();
  if (!at) return;
  const onSheet = ([lon, lat]) => [mercatorX(lon) * sheet.scale + sheet.dx, mercatorY(lat) * sheet.scale + sheet.dy];
  const [cx, cy] = onSheet(at);
  sheet.ctx.save();
  for (const km of RINGS_KM) {
    const ends = [0, 180, 270, 90].map((azimuth) => onSheet(destination(at[0], at[1], azimuth, km * 1000))).filter(([x, y]) => Math.hypot(x - cx, y - cy) >= 24);
    const named = (must) => ends.some(([x, y]) => label(sheet, `${km} ${word('unit_km')}`, x, y, { font: `600 10.5px ${SANS}`, size: 10.5, colour: '#0B4A73', places: 'c', must }));
    if (!named(false) && sites.n > CROWD) named(true); // a crowd leaves no room
  }
  sheet.ctx.restore();
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
  return [ax, ay, (ax + bx) / 2 - (by - ay) * BEND, (ay + by) / 2 + (bx - ax) * BEND, bx, by];
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
  const { selected } = state;
  const chosen = selected ? new Set(flowsOf[selected.kind][selected.row]) : null;
  const opacity = STYLE.flowOpacity;
  const plain = state.area ? opacity.others : flows.n > CROWD ? opacity.normal / 2 : opacity.normal;
  const all = flows.n > CROWD && showsAll(sheet);
  const { seen, placed } = all || flowsByUnit() ? NONE : flowsInView(sheet);
  if (flowsByUnit()) drawn.flows = pairRows().rows.length;
  else if (all || seen.length > CROWD) {
    drawn.flows = drawStrands(sheet, chosen, FLOW, chosen ? opacity.others : plain);
  } else {
    drawn.flows = placed;
    drawBands(sheet, chosen ? seen.filter((i) => !chosen.has(i)) : seen, FLOW, chosen ? opacity.others : plain);
  }
  if (chosen) drawBands(sheet, Int32Array.from(chosen).filter(flowShown), CHOSEN, opacity.selected);
}

/** No rows. */
const NONE = { seen: new Int32Array(0), placed: 0 };

/** Whether the canvas reaches around all positions, so that none need be looked for. @param {Sheet} sheet */
function showsAll(sheet) {
  return extent[0] >= sheet.box[0] && extent[1] >= sheet.box[1] && extent[2] <= sheet.box[2] && extent[3] <= sheet.box[3];
}

/**
 * Flows whose bent line may cross the canvas, and how many have a place at all; once they are a crowd, no more are looked
 * at.
 * @param {Sheet} sheet
 */
function flowsInView(sheet) {
  const seen = new Int32Array(flows.n);
  const [left, top, right, bottom] = sheet.box;
  const least = 2 / sheet.scale; // a flow shorter than its symbols are wide cannot be seen under them
  const always = allShown();
  let n = 0;
  let placed = 0;
  for (let i = 0; i < seen.length && n <= CROWD; i++) {
    const o = 2 * flowOrigin[i];
    const s = 2 * flowSite[i];
    const w = siteXY[s] - originXY[o];
    const h = siteXY[s + 1] - originXY[o + 1];
    if (w !== w || !(always || flowShown(i))) continue; // NaN: an end is unknown
    placed++;
    if (w < least && w > -least && h < least && h > -least) continue;
    // The middle lies off the straight line; half of its distance is how far the curve swings out.
    const x = originXY[o] + w / 2;
    const y = originXY[o + 1] + h / 2;
    const reachX = (Math.abs(w) + BEND * Math.abs(h)) / 2;
    const reachY = (Math.abs(h) + BEND * Math.abs(w)) / 2;
    if (x + reachX >= left && x - reachX <= right && y + reachY >= top && y - reachY <= bottom) seen[n++] = i;
  }
  return { seen: seen.subarray(0, n), placed };
}

/** Flows as bands, one by one. @param {Sheet} sheet @param {Int32Array} rows @param {string} colour @param {number} opacity */
function drawBands(sheet, rows, colour, opacity) {
  const { ctx } = sheet;
  putPixels(sheet);
  ctx.fillStyle = colour;
  ctx.globalAlpha = opacity;
  for (const i of rows) {
    const p = bend(sheet, i);
    if (!p) continue;
    ctx.beginPath();
    traceFlow(ctx, p, flowWidth(flowHouseholds[i]));
    ctx.fill();
  }
}

/** Rows of a table whose symbols may be seen, in their order of drawing, and how many have a place at all; at most a crowd and one. @param {Sheet} sheet @param {Float64Array} xy @param {Int32Array} order_ @param {((row: number) => boolean) | null} shown */
function symbolsInView(sheet, xy, order_, shown) {
  const seen = new Int32Array(order_.length);
  const reach = 20 / sheet.scale;
  const [left, top, right, bottom] = [sheet.box[0] - reach, sheet.box[1] - reach, sheet.box[2] + reach, sheet.box[3] + reach];
  let n = 0;
  let placed = 0;
  for (let k = 0; k < seen.length && n <= CROWD; k++) {
    const i = order_[k];
    const x = xy[2 * i];
    const y = xy[2 * i + 1];
    if (x !== x || (shown && !shown(i))) continue; // NaN: unknown
    placed++;
    if (x > left && x < right && y > top && y < bottom) seen[n++] = i;
  }
  return { seen: seen.subarray(0, n), placed };
}

const originRows = rowNumbers(origins.n);

/** @param {Sheet} sheet */
function drawOrigins(sheet) {
  const crowd = Boolean(sheet.pixels) || (origins.n > CROWD && showsAll(sheet));
  const { seen, placed } = crowd ? NONE : symbolsInView(sheet, originXY, originRows, allShown() ? null : originShown);
  if (crowd || seen.length > CROWD) {
    const ink = storedColour(ORIGIN);
    const looks = [{ ink, strength: 1 }, { ink, strength: 0.3 }];
    const look = state.selected ? (i) => (concerns(origins, i) ? 0 : 1) : null;
    drawn.origins = drawStamps(sheet, { ring: true, rows: originRows, xy: originXY, sizes: ORIGIN_SIZES, values: originHouseholds, grow: ringCrowding(), looks, look, shown: allShown() ? null : originShown });
    return;
  }
  drawn.origins = placed;
  const { ctx } = sheet;
  const last = state.selected ? (i) => Number(concerns(origins, i)) : null; // what is meant lies on top
  for (const i of last ? Array.from(seen).sort((a, b) => last(a) - last(b)) : seen) {
    const x = originXY[2 * i] * sheet.scale + sheet.dx;
    const y = originXY[2 * i + 1] * sheet.scale + sheet.dy;
    const r = originRadius(i);
    ctx.globalAlpha = 1;
    ctx.beginPath();
    ctx.arc(x, y, r, 0, 2 * Math.PI);
    ctx.fillStyle = '#FFFFFF';
    ctx.fill();
    ctx.lineWidth = state.selected?.kind === 'origin' && state.selected.row === i ? 2.6 : 1.5;
    ctx.strokeStyle = concerns(origins, i) ? ORIGIN : paled(ORIGIN);
    ctx.stroke();
    if (origins.n < 2000) takePlace(sheet, originXY, i, r);
  }
}

/** Let no name be written over a symbol. @param {Sheet} sheet @param {Float64Array} xy @param {number} row @param {number} r */
function takePlace(sheet, xy, row, r) {
  const x = xy[2 * row] * sheet.scale + sheet.dx;
  const y = xy[2 * row + 1] * sheet.scale + sheet.dy;
  sheet.taken.push([x - r, y - r, x + r, y + r]);
}

/** Classes of the indicators that were chosen so far. @type {Object<string, {tops: number[], labels: string[]}>} */
const indicatorClasses = {};

/** Colour of a site under the chosen indicator. @param {number} row */
function siteColour(row) {
  if (!state.indicator) return sites.value('aside', row) ? ASIDE : SITE;
  const value = sites.value(state.indicator, row);
  if (value === null) return NO_DATA;
  const { levels } = chosenIndicator();
  if (levels) return LEVEL_COLOURS[levels.indexOf(value)] ?? ASIDE;
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
  const indicator = DATA.sites.indicators.find((i) => i.column === column);
  const labels = tops.map((top, k) => {
    const [low, high] = [values.find((v) => k === 0 || v > tops[k - 1]), top].map((v) => figure(v, digitsOf(indicator)));
    return low === high ? high : `${low}–${high}`;
  });
  return { tops, labels };
}

/** Rows of sites, largest first, so that small ones stay visible on top of large ones. */
const sitesBySize = sites.rows('by_size');

/** 0, 1, 2 ... @param {number} n */
function rowNumbers(n) {
  const rows = new Int32Array(n);
  for (let i = 0; i < n; i++) rows[i] = i;
  return rows;
}

/** @param {Sheet} sheet */
function drawSites(sheet) {
  const chosen = state.selected?.kind === 'site' ? symbolOf(state.selected.row) : -1;
  const shown = allShown() ? null : siteShown;
  const { rows, values, members } = siteSymbols();
  const all = sites.n > CROWD && showsAll(sheet);
  const { seen, placed } = all ? NONE : symbolsInView(sheet, siteXY, rows, shown);
  const crowd = all || seen.length > CROWD;
  drawn.sites = placed;
  const radius = (i) => siteRadius(values[i]);
  const opacity = (i) => (state.selected && !(members.get(i) ?? [i]).some((row) => concerns(sites, row)) ? 0.45 : 1);
  const single = crowd ? [] : Array.from(seen).filter((i) => i !== chosen);
  if (crowd) {
    const colours = [SITE, ASIDE, NO_DATA, ...CLASS_COLOURS, ...LEVEL_COLOURS];
    const looks = [1, 0.45].flatMap((strength) => colours.map((c) => ({ ink: storedColour(c), strength })));
    const look = (i) => colours.indexOf(siteColour(i)) + (opacity(i) === 1 ? 0 : colours.length);
    const plain = !state.indicator && !state.selected && !sites.has('aside');
    drawn.sites = drawStamps(sheet, { ring: false, rows, xy: siteXY, sizes: SITE_SIZES, values, grow: crowding, looks, look: plain ? null : look, shown });
  }
  if (single.length || chosen >= 0) putPixels(sheet);
  if (chosen >= 0 && siteShown(chosen)) single.push(chosen);
  for (const i of single) {
    const [x, y] = [siteXY[2 * i] * sheet.scale + sheet.dx, siteXY[2 * i + 1] * sheet.scale + sheet.dy];
    drawSite(sheet, { x, y, r: radius(i), colour: i === chosen ? CHOSEN : siteColour(i), alpha: opacity(i), hollow: Number.isNaN(values[i]) });
  }
  for (const here of members.values()) if (!Number.isNaN(siteXY[2 * here[0]])) drawn.sites += here.length - 1;
  drawBadges(sheet);
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
  writeNames(sheet, element, (rank) => rank === 1); // the outermost units that have data
  const seen = (x, y) => x > 0 && y > 0 && x < sheet.width && y < sheet.height;
  const chosen = state.selected?.kind === 'site' ? symbolOf(state.selected.row) : -1;
  let tried = 0;
  const { rows, values, members } = siteSymbols();
  for (const i of chosen < 0 ? rows : [chosen, ...rows]) {
    const x = siteXY[2 * i] * sheet.scale + sheet.dx;
    const y = siteXY[2 * i + 1] * sheet.scale + sheet.dy;
    if (tried > (sites.n > CROWD ? 100 : 400)) break;
    if (!seen(x, y) || !siteShown(i) || (i === chosen && tried)) continue;
    tried++;
    const named = i === chosen ? /** @type {any} */ (state.selected).row : i;
    const look = { font: `600 12px ${SANS}`, size: 12, colour: concerns(sites, named) ? INK : '#85898C', gap: siteRadius(values[i]) + 4, places: 'rlabudve' };
    const more = (members.get(i)?.length ?? 1) - 1;
    const name = more ? word('names_and_more', { names: shortName(rowName(sites, named)), n: more }) : shortName(rowName(sites, named));
    // What is selected is named, if need be over others.
    if (label(sheet, name, x, y, look) || (i === chosen && label(sheet, name, x, y, { ...look, must: true }))) drawn.labels++;
  }
  sheet.ctx.globalAlpha = 1;
  labelOrigins(sheet, seen);
  writeNames(sheet, element, (rank) => rank !== 1);
}

/** Names of towns and units, those of some ranks. @param {Sheet} sheet @param {any} element @param {(rank: number) => boolean} some */
function writeNames(sheet, element, some) {
  const seen = (x, y) => x > 0 && y > 0 && x < sheet.width && y < sheet.height;
  element.table ??= makeTable(element);
  const { table } = element;
  element.xy ??= positions(element);
  const rank = table.column('rank');
  element.sorted ??= Array.from({ length: table.n }, (_, i) => i).sort((a, b) => rank[a] - rank[b]);
  const placed = new Set();
  const full = new Map();
  const narrow = sheet.frame[2] - sheet.frame[0] < 600;
  for (const i of element.sorted) {
    if (!some(rank[i]) || placed.has(table.value('group', i))) continue;
    const x = element.xy[2 * i] * sheet.scale + sheet.dx;
    const y = element.xy[2 * i + 1] * sheet.scale + sheet.dy;
    if (!seen(x, y)) continue;
    const style = table.value('style', i);
    if (style === 'unit' && sheet.zoom < 7.5) continue;
    const local = language().local_names ? table.value('local', i) : null;
    const text = shortName(local || table.value('name', i) || '');
    const look = narrow && style === 'region' ? NARROW_REGION : NAME_LOOKS[style];
    if (label(sheet, text, x, y, look)) placed.add(table.value('group', i));
    else if (style === 'region') full.set(table.value('group', i), full.get(table.value('group', i)) ?? [text, x, y, look]);
  }
  // A region is named, if need be over symbols.
  for (const [group, [text, x, y, look]] of full) if (!placed.has(group)) label(sheet, text, x, y, { ...look, must: true });
}

/** Few enough origins to be named at any zoom. */
const FEW_ORIGINS = 60;

/** Origins of what is selected, else all of them if they are few or far enough apart; most households first. @param {Sheet} sheet @param {(x: number, y: number) => boolean} seen */
function labelOrigins(sheet, seen) {
  if (state.hidden.has('origins') || (!state.selected && ((origins.n > FEW_ORIGINS && sheet.zoom < 8.5) || origins.n > 2000))) return;
  let tried = 0;
  for (const i of Array.from(originRows).sort((a, b) => originHouseholds[b] - originHouseholds[a])) {
    if (tried >= 200) break;
    const x = originXY[2 * i] * sheet.scale + sheet.dx;
    const y = originXY[2 * i + 1] * sheet.scale + sheet.dy;
    if (!seen(x, y) || !concerns(origins, i) || !originShown(i)) continue;
    tried++;
    const name = rowName(origins, i).split(/[,\uFF0C]/u)[0]; // the village, not what it belongs to
    label(sheet, shortName(name), x, y, { font: `500 11px ${SANS}`, size: 11, colour: ORIGIN, gap: originRadius(i) + 3, places: 'rlabudve' });
  }
}

/** Names of regions on a phone. */
const NARROW_REGION = { font: `500 12px ${SANS}`, size: 12, colour: '#5F5A50', places: 'c', spacing: '1px', margin: 6 };

const NAME_LOOKS = {
  place: { font: `11px ${SANS}`, size: 11, colour: '#3F464B', gap: 5, places: 'rlabudve' },
  region: { font: `500 14px ${SANS}`, size: 14, colour: '#5F5A50', places: 'c', spacing: '3px', margin: 18 },
  unit: { font: `italic 11px ${SANS}`, size: 11, colour: '#77726A', places: 'c', spacing: '0.8px' },
};

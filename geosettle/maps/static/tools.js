// @ts-check
/* What lies on and around the map: pictures under it, scale, coordinates, locator, tooltip, export, print, permalink. */

/** Element of the data by kind. @param {string} kind */
function elementOf(kind) {
  return DATA.elements.find((e) => e.kind === kind);
}

/** Leaflet bounds from west, south, east, north. @param {number[]} b */
function leafletBounds(b) {
  const turn = b[2] <= WRAP ? 360 : 0;
  return L.latLngBounds([b[1], b[0] + turn], [b[3], b[2] + turn]);
}

/** @type {Object<string, any>} */
const pictures = {};

/** Put the relief, the chosen area layer and the one compared with it under the canvas. */
function showPictures() {
  const relief = elementOf('picture');
  if (relief) toggle('relief', relief, !state.hidden.has(relief.name), 'gs-ground', 1, false);
  const areas = elementOf('areas');
  if (!areas) return;
  const right = state.area && state.compare !== state.area ? state.compare : '';
  for (const item of areas.items) {
    toggle(item.name, item, item.name === state.area, 'gs-left', state.opacity, true);
    toggle(item.name, item, item.name === right, 'gs-right', state.opacity, true);
  }
  showDivider();
  sheets.repaint();
}

/** @param {string} key @param {any} item @param {boolean} on @param {string} pane @param {number} opacity @param {boolean} crisp */
function toggle(key, item, on, pane, opacity, crisp) {
  const id = `${key}:${pane}`;
  if (!pictures[id]) {
    if (!on) return;
    pictures[id] = L.imageOverlay(item.src, leafletBounds(item.bounds), { pane, alt: '', className: crisp ? 'gs-crisp' : '' });
  }
  if (on) pictures[id].addTo(map).setOpacity(opacity);
  else pictures[id].remove();
}

/** A colour between two. @param {string} one @param {string} two @param {number} share of the first */
function mixed(one, two, share) {
  const part = (colour, i) => parseInt(colour.slice(i, i + 2), 16);
  return `#${[1, 3, 5].map((i) => Math.round(part(one, i) * share + part(two, i) * (1 - share)).toString(16).padStart(2, '0')).join('')}`;
}

/** Colour of the ground, as in map.css. */
const GROUND = '#F1EBDD';

/** A symbol's colour while something else is selected. @param {string} colour */
function paled(colour) {
  return mixed(colour, GROUND, 0.42);
}

/* ---- before and after ---- */

/** @type {any} */
let divider = null;

/** Show the divider if two layers are compared, and clip their panes at it. */
function showDivider() {
  const on = Boolean(state.area && state.compare && state.compare !== state.area);
  if (on && !divider) {
    const input = el('input', { type: 'range', min: 0, max: 100, value: 50, step: 0.5, class: 'gs-divider', oninput: clipPanes });
    divider = { input, bar: el('div', { class: 'gs-bar' }), left: el('div', { class: 'gs-side gs-side-left' }), right: el('div', { class: 'gs-side gs-side-right' }) };
    L.DomEvent.disableClickPropagation(input);
  }
  if (!divider) return;
  for (const node of Object.values(divider)) {
    if (on) map.getContainer().append(node);
    else node.remove();
  }
  if (on) {
    divider.input.setAttribute('aria-label', word('divider'));
    const of = (key) => say(elementOf('areas').items.find((i) => i.name === key).label);
    divider.left.replaceChildren(of(state.area));
    divider.right.replaceChildren(of(state.compare));
  }
  clipPanes();
}

/** Clip the two panes at the divider; without one, show the left pane whole. */
function clipPanes() {
  const left = map.getPane('gs-left');
  const right = map.getPane('gs-right');
  if (!divider || !divider.input.isConnected) {
    left.style.clip = '';
    return;
  }
  const size = map.getSize();
  const nw = map.containerPointToLayerPoint([0, 0]);
  const se = map.containerPointToLayerPoint(size);
  const x = (Number(divider.input.value) / 100) * size.x;
  divider.bar.style.left = `${x}px`;
  left.style.clip = `rect(${nw.y}px, ${nw.x + x}px, ${se.y}px, ${nw.x}px)`;
  right.style.clip = `rect(${nw.y}px, ${se.x}px, ${se.y}px, ${nw.x + x}px)`;
}

/* ---- scale, coordinates, locator ---- */

/** A length that reads well, at most as long as given, metres. @param {number} most */
function roundLength(most) {
  const power = 10 ** Math.floor(Math.log10(most));
  return ([5, 2, 1].find((k) => k * power <= most) || 1) * power;
}

/** Scale bar for a latitude and zoom. @param {number} lat @param {number} zoom @param {number} widest pixels */
function scaleBar(lat, zoom, widest) {
  const perPixel = metresPerPixel(lat, zoom);
  const metres = roundLength(widest * perPixel);
  const text = metres >= 1000 ? `${figure(metres / 1000, 0)} ${word('unit_km')}` : `${figure(metres, 0)} ${word('metres')}`;
  return { pixels: metres / perPixel, text };
}

/** A Leaflet control around a node. @param {any} position @param {any} node */
function addControl(position, node) {
  const control = new L.Control({ position });
  control.onAdd = () => node;
  control.addTo(map);
  return node;
}

/** What writes anew the words that stand on the map, when the language changes. @type {(() => void)[]} */
const onMap = [];

/** Leaflet's own buttons. */
function nameButtons() {
  for (const key of ['zoom_in', 'zoom_out']) {
    const node = map.getContainer().querySelector(`.leaflet-control-${key.replace('_', '-')}`);
    for (const attribute of ['title', 'aria-label']) node?.setAttribute(attribute, word(key));
  }
}

/** Scale bar and coordinates; both follow the pointer, or the middle of the map where there is none. */
function addScale() {
  const bar = el('div', { class: 'gs-scalebar' });
  const where = el('div', { class: 'gs-coords' });
  addControl('bottomleft', el('div', { class: 'gs-scale' }, bar, where));
  const show = (at) => {
    const { pixels, text } = scaleBar(at.lat, map.getZoom(), 130);
    bar.style.width = `${pixels}px`;
    bar.replaceChildren(text);
    const lat = degrees(at.lat, 'N', 'S', 4);
    where.replaceChildren(`${lat} ${degrees(meridian(at.lng), 'E', 'W', 4)}`);
  };
  map.on('mousemove', (event) => show(event.latlng));
  map.on('moveend zoomend', () => show(map.getCenter()));
  onMap.push(() => show(map.getCenter()));
  show(map.getCenter());
}

/** A globe with its graticule, turned to the study, and the study's frame on it: it needs no one's borders. */
function locator() {
  const [west, south, east, north] = DATA.view;
  const lon0 = (west + east) / 2;
  const lat0 = (south + north) / 2;
  const r = 46;
  const globe = svg('svg', { viewBox: '-50 -50 100 100', class: 'gs-locator', role: 'img' });
  globe.append(svg('circle', { r, fill: '#EEF2F4', stroke: '#7D8790', 'stroke-width': 1 }));
  if (DATA.land) globe.append(svg('path', { d: DATA.land, fill: '#CFCFC3', stroke: '#9AA3A9', 'stroke-width': 0.4 }));
  const onGlobe = (lon, lat) => {
    const rad = Math.PI / 180;
    const cosC = Math.sin(lat0 * rad) * Math.sin(lat * rad) + Math.cos(lat0 * rad) * Math.cos(lat * rad) * Math.cos((lon - lon0) * rad);
    const x = r * Math.cos(lat * rad) * Math.sin((lon - lon0) * rad);
    const y = -r * (Math.cos(lat0 * rad) * Math.sin(lat * rad) - Math.sin(lat0 * rad) * Math.cos(lat * rad) * Math.cos((lon - lon0) * rad));
    return cosC < 0 ? null : [x, y];
  };
  const line = (points, attributes) => {
    let path = '';
    let pen = 'M';
    for (const [lon, lat] of points) {
      const p = onGlobe(lon, lat);
      if (p) path += `${pen}${p[0].toFixed(1)} ${p[1].toFixed(1)}`;
      pen = p ? 'L' : 'M';
    }
    globe.append(svg('path', { d: path || 'M0 0', fill: 'none', ...attributes }));
  };
  const range = (a, b, n) => Array.from({ length: n + 1 }, (_, i) => a + ((b - a) * i) / n);
  for (const lat of [-60, -30, 0, 30, 60]) {
    line(range(-180, 180, 120).map((lon) => [lon, lat]), { stroke: lat ? '#B4BDC3' : '#8A949B', 'stroke-width': lat ? 0.35 : 0.6 });
  }
  for (let lon = -180; lon < 180; lon += 30) {
    line(range(-90, 90, 60).map((lat) => [lon, lat]), { stroke: '#B4BDC3', 'stroke-width': 0.35 });
  }
  const frame = [...range(west, east, 8).map((x) => [x, south]), ...range(south, north, 8).map((y) => [east, y]), ...range(east, west, 8).map((x) => [x, north]), ...range(north, south, 8).map((y) => [west, y])];
  line(frame, { stroke: SITE, 'stroke-width': 1.8, fill: 'rgba(213,94,0,0.25)' });
  const values = { lat: degrees(lat0, 'N', 'S', 0), lon: degrees(meridian(lon0), 'E', 'W', 0) };
  onMap.push(() => globe.setAttribute('aria-label', word('locator', values)));
  return el('div', { class: 'gs-locator-box' }, globe, el('span', {}, `${values.lat} ${values.lon}`));
}

/* ---- pointing ---- */

/** What lies under a point of the map's frame: a site, an origin, else a flow. @param {{x: number, y: number}} point */
function under(point) {
  const world = map.getPixelOrigin().add(map.containerPointToLayerPoint(point));
  const scale = 256 * 2 ** map.getZoom();
  const nearest = (xy, reach) => {
    let best = -1;
    let least = Infinity;
    for (let i = 0; i < xy.length / 2; i++) {
      if (!(xy === siteXY ? siteShown : originShown)(i)) continue;
      const d = Math.hypot(xy[2 * i] * scale - world.x, xy[2 * i + 1] * scale - world.y);
      if (d < reach(i) && d < least) [best, least] = [i, d];
    }
    return best;
  };
  const site = state.hidden.has('sites') ? -1 : nearest(siteXY, (i) => siteRadius(siteSymbols().values[i]) + 3);
  if (site >= 0) return { kind: 'site', row: symbolOf(site) };
  const origin = state.hidden.has('origins') ? -1 : nearest(originXY, (i) => originRadius(i) + 4);
  if (origin >= 0) return { kind: 'origin', row: origin };
  const sheet = /** @type {any} */ ({ scale, dx: -world.x, dy: -world.y });
  if (!state.hidden.has('flows') && flowsByUnit()) {
    const pair = pairUnder(sheet);
    if (pair >= 0) return { kind: 'pair', row: pair };
  } else if (!state.hidden.has('flows') && flows.n <= 5000) {
    const flow = flowUnder(sheet);
    if (flow >= 0) return { kind: 'flow', row: flow };
  }
  const unit = chosenMeasure() ? unitAt(world.x / scale, world.y / scale) : -1;
  return unit >= 0 ? { kind: 'unit', row: unit } : null;
}

/** Whether a flow's curve passes within a distance of the origin, pixels; how near, else Infinity. @param {number[]} p @param {number} reach */
function nearCurve(p, reach) {
  if (Math.min(p[0], p[2], p[4]) > reach || Math.max(p[0], p[2], p[4]) < -reach) return Infinity;
  let least = Infinity;
  for (let t = 0; t <= 1; t += 0.02) {
    const u = 1 - t;
    least = Math.min(least, Math.hypot(u * u * p[0] + 2 * u * t * p[2] + t * t * p[4], u * u * p[1] + 2 * u * t * p[3] + t * t * p[5]));
  }
  return least < reach ? least : Infinity;
}

/** @param {any} sheet whose middle is the place */
function flowUnder(sheet) {
  let best = -1;
  let least = 5;
  for (let i = 0; i < flows.n; i++) {
    const p = flowShown(i) ? bend(sheet, i) : null;
    const d = p ? nearCurve(p, least) : Infinity;
    if (d < least) [best, least] = [i, d];
  }
  return best;
}

/** Names listed at most of places that are at one position. */
const LISTED = 12;

/**
 * Rows of the same table whose symbols are at one position for the eye, this one among them.
 * @param {{kind: string, row: number}} thing
 */
function together(thing) {
  const xy = thing.kind === 'site' ? siteXY : originXY;
  const scale = 256 * 2 ** map.getZoom();
  const [x, y] = [xy[2 * thing.row], xy[2 * thing.row + 1]];
  const rows = [];
  for (let i = 0; i < xy.length / 2; i++) {
    if (!(thing.kind === 'site' ? siteShown : originShown)(i)) continue;
    if (Math.hypot(xy[2 * i] - x, xy[2 * i + 1] - y) * scale < 3) rows.push(i);
  }
  return rows;
}

/** What else may be known of a flow, with its unit. */
const FLOW_FACTS = [['declared_km', 'km'], ['road_km', 'km'], ['road_h', 'h'], ['walk_out_h', 'h']];

/** @param {{kind: string, row: number}} thing */
function tipFor(thing) {
  if (thing.kind === 'unit') return unitTip(thing.row);
  if (thing.kind === 'pair') return pairTip(thing.row);
  if (thing.kind === 'flow') {
    const i = thing.row;
    const km = flows.value('geodesic_km', i);
    const between = interval(flows.value('geodesic_low_km', i), flows.value('geodesic_high_km', i));
    return [
      el('b', {}, isolated(rowName(origins, flows.value('origin', i))), ' → ', isolated(rowName(sites, flows.value('site', i)))),
      el('div', {}, km === null ? word('not_located') : `${withUnit(figure(km), 'km')}${between ? ` (${between})` : ''}`),
      el('div', {}, `${countWord('flows')}: ${figure(flows.value(sizedBy('flows'), i), 0)}`),
      ...FLOW_FACTS.filter(([key]) => flows.value(key, i) !== null).map(([key, unit]) => el('div', {}, `${word(key)}: ${withUnit(figure(flows.value(key, i)), unit)}`)),
    ];
  }
  const table = thing.kind === 'site' ? sites : origins;
  const of = (row) => (thing.kind === 'site' ? sites.value(sizedBy('sites'), row) : originHouseholds[row] || null);
  const counted = countWord(thing.kind === 'site' ? 'sites' : 'flows');
  const here = together(thing);
  if (here.length > 1) {
    const known = here.map(of).filter((n) => n !== null);
    const sum = known.length ? known.reduce((a, b) => a + b, 0) : null;
    return [
      el('b', {}, `${here.length} × ${word(thing.kind)}`),
      el('div', {}, `${counted}: ${figure(sum, 0)}`),
      ...here.slice(0, LISTED).map((row) => el('div', {}, isolated(rowName(table, row)))),
      here.length > LISTED ? el('div', {}, '…') : null,
    ];
  }
  const households = of(thing.row);
  return [
    el('b', {}, isolated(rowName(table, thing.row))),
    el('div', {}, `${word(thing.kind)}; ${counted}: ${figure(households, 0)}`),
    uncertain(table, thing.row),
  ];
}

/** @param {any} table @param {number} row */
function uncertain(table, row) {
  const km = table.value('uncertainty_km', row);
  return km ? el('div', {}, `${word('uncertainty_km')} ${word('plus_minus_km', { u: figure(km) })}`) : null;
}

/** Show what the pointer is over, select what is clicked. */
function addPointing() {
  const tip = /** @type {any} */ (document.getElementById('gs-tip'));
  map.on('mousemove', (event) => {
    const thing = measuring ? null : under(event.containerPoint);
    map.getContainer().style.cursor = thing ? 'pointer' : '';
    tip.hidden = !thing;
    if (!thing) return;
    tip.replaceChildren(...tipFor(thing).filter(Boolean));
    const size = map.getSize();
    const x = Math.min(event.containerPoint.x + 14, size.x - tip.offsetWidth - 8);
    tip.style.left = `${Math.max(4, x)}px`;
    tip.style.top = `${Math.min(event.containerPoint.y + 14, size.y - tip.offsetHeight - 8)}px`;
  });
  map.on('mouseout', () => { tip.hidden = true; });
  onMap.push(() => { tip.hidden = true; tip.replaceChildren(); });
  document.addEventListener('keydown', (event) => { if (event.key === 'Escape' && state.selected && !measuring) select(null); });
  map.on('click', (event) => {
    if (measuring) {
      takePoint(event.latlng);
      return;
    }
    const thing = under(event.containerPoint);
    tip.hidden = true; // its text is in the card; a finger would not take it away
    if (thing?.kind === 'unit') selectUnit(thing.row);
    else if (!thing || thing.kind === 'pair') select(null);
    else if (thing.kind === 'flow') {
      if (state.way !== NO_WAY) state.way = readWays()?.ofFlow.get(thing.row)?.[0] ?? choices().way;
      select({ kind: 'site', row: flows.value('site', thing.row) });
    }
    else {
      // A further click at one position takes the next of those that are there.
      const here = together(thing);
      const at = state.selected?.kind === thing.kind ? here.indexOf(state.selected.row) : -1;
      select({ kind: thing.kind, row: at < 0 ? thing.row : here[(at + 1) % here.length] });
    }
  });
}

/* ---- permalink ---- */

/** Write the view and the choices into the address, so that it can be sent on. */
function writeHash() {
  const c = map.getCenter();
  const parts = [`map=${map.getZoom()}/${c.lat.toFixed(4)}/${c.lng.toFixed(4)}`];
  if (state.selected) {
    const table = state.selected.kind === 'site' ? sites : origins;
    parts.push(`${state.selected.kind}=${encodeURIComponent(table.value('id', state.selected.row))}`);
  }
  if (state.selected && state.way === NO_WAY) parts.push('way=none');
  else if (state.selected && waysSelected().includes(state.way)) parts.push(`way=${encodeURIComponent(wayKey(state.way))}`);
  if (state.lang !== DATA.lang) parts.push(`lang=${state.lang}`);
  if (state.area) parts.push(`area=${encodeURIComponent(state.area)}`);
  if (state.area && state.compare) parts.push(`with=${encodeURIComponent(state.compare)}`);
  if (state.area && state.opacity !== choices().opacity) parts.push(`opacity=${Math.round(100 * state.opacity)}`);
  if (state.filter.trim()) parts.push(`filter=${encodeURIComponent(state.filter)}`);
  const indicator = chosenIndicator();
  if (indicator) parts.push(`by=${encodeURIComponent(indicator.key)}`);
  if (state.level !== choices().level) parts.push(`level=${encodeURIComponent(state.level)}`);
  if (state.fill) parts.push(`units=${encodeURIComponent(state.fill)}`);
  if (state.unit >= 0) parts.push(`unit=${encodeURIComponent(units.value('name', state.unit) ?? '')}`);
  if (state.flows !== choices().flows) parts.push(`flows=${state.flows}`);
  if (state.parcels !== 'kind') parts.push(`parcels=${state.parcels}`);
  if (state.year !== Infinity) parts.push(`year=${state.year}`);
  const changed = DATA.elements.filter((e) => e.shown === state.hidden.has(e.name));
  for (const [key, shown] of /** @type {[string, boolean][]} */ ([['hide', true], ['show', false]])) {
    const names = changed.filter((e) => e.shown === shown).map((e) => e.name);
    if (names.length) parts.push(`${key}=${names.join(',')}`);
  }
  try {
    history.replaceState(null, '', `#${parts.join('&')}`);
  } catch (error) {
    // A page inside a notebook has no address of its own; there is nothing to write then.
  }
}

/** Choices from the address; what it does not name, or names wrongly, stays as it is. */
function readHash() {
  const view = /[#&]map=(\d+(?:\.\d+)?)\/(-?\d+(?:\.\d+)?)\/(-?\d+(?:\.\d+)?)/.exec(location.hash);
  const lang = /[#&]lang=(\w+)/.exec(location.hash);
  if (lang && own(DATA.languages, lang[1])) state.lang = lang[1];
  const area = hashValue('area') ?? '';
  const areas = elementOf('areas')?.items || [];
  if (areas.some((item) => item.name === area)) state.area = area;
  const compared = hashValue('with') ?? '';
  if (areas.some((item) => item.name === compared)) state.compare = compared;
  const opacity = /[#&]opacity=(\d{1,3})(?:&|$)/.exec(location.hash);
  if (opacity && Number(opacity[1]) <= 100) state.opacity = Number(opacity[1]) / 100;
  state.filter = hashValue('filter') || '';
  const by = hashValue('by');
  state.indicator = DATA.sites.indicators.find((i) => i.key === by)?.column || '';
  if (hashValue('parcels') === 'year') state.parcels = 'year';
  readUnitHash();
  const year = /[#&]year=(\d{4})(?:&|$)/.exec(location.hash);
  const years = year ? allYears() : [];
  if (years.length > 1 && Number(year?.[1]) < years[years.length - 1]) state.year = Math.max(years[0], Number(year?.[1]));
  const listed = (key) => (hashValue(key) || '').split(',');
  for (const { name } of DATA.elements) {
    if (listed('hide').includes(name)) state.hidden.add(name);
    if (listed('show').includes(name)) state.hidden.delete(name);
  }
  for (const [kind, table] of /** @type {[string, any][]} */ ([['site', sites], ['origin', origins]])) {
    const id = hashValue(kind);
    const row = id === null ? -1 : table.column('id').indexOf(id);
    if (row >= 0) state.selected = { kind, row };
  }
  readWayHash();
  const [zoom, lat, lon] = view ? view.slice(1).map(Number) : [NaN, NaN, NaN];
  return zoom <= 20 && Math.abs(lat) <= 85 && Math.abs(lon) <= 360 ? { zoom, at: [lat, lon] } : null;
}

/** @param {string} key */
function hashValue(key) {
  const found = new RegExp(`[#&]${key}=([^&]*)`).exec(location.hash);
  try {
    return found ? decodeURIComponent(found[1]) : null;
  } catch (error) {
    return null; // a broken percent code names nothing
  }
}

/* ---- export ---- */

/** Offer a file to the reader. @param {Blob} blob @param {string} filename */
function save(blob, filename) {
  const url = URL.createObjectURL(blob);
  const link = el('a', { href: url, download: filename });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

/** What stands above and below the exported map, in lines that fit its width. @param {number} width */
function captionLines(width) {
  const ctx = /** @type {CanvasRenderingContext2D} */ (document.createElement('canvas').getContext('2d'));
  const credits = [...DATA.notes.caveats.map(say), ...DATA.notes.sources.map(say), say(DATA.notes.colophon)].join(' · ');
  const set = (font, text) => {
    ctx.font = font;
    return linesOf(ctx, text, width);
  };
  const items = legendItems();
  return { items, legend: placeItems(ctx, items, width + 14), title: set(TITLE_FONT, say(DATA.title)), subtitle: set(SUBTITLE_FONT, say(DATA.subtitle)), credits: set(SMALL_FONT, credits) };
}

const TITLE_FONT = `650 20px ${SANS}`;
const SUBTITLE_FONT = `13px ${SANS}`;
const SMALL_FONT = `11px ${SANS}`;

/** The map as it is seen, with title, legend, scale and sources, drawn anew at twice the density. */
async function exportPng() {
  const size = map.getSize();
  const lines = captionLines(size.x - 28);
  const head = 34 + 24 * lines.title.length + 17 * lines.subtitle.length;
  const foot = 30 + lines.legend.height + 14 * lines.credits.length;
  const canvas = document.createElement('canvas');
  canvas.width = 2 * size.x;
  canvas.height = 2 * (size.y + head + foot);
  const ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  ctx.scale(2, 2);
  ctx.fillStyle = '#FFFFFF';
  ctx.fillRect(0, 0, size.x, size.y + head + foot);
  ctx.save();
  ctx.translate(0, head);
  ctx.beginPath();
  ctx.rect(0, 0, size.x, size.y);
  ctx.clip();
  drawGround(ctx, { x: 0, y: 0 });
  const corner = map.getPixelOrigin().add(map.containerPointToLayerPoint([0, 0]));
  const sheet = makeSheet(ctx, map.getZoom(), corner, size);
  sheet.taken.push([0, size.y - 40, 160, size.y]); // the scale bar's place
  drawAll(sheet);
  drawSides(ctx, size);
  ctx.restore();
  caption(ctx, size, head, lines);
  return new Promise((resolve) => { canvas.toBlob(resolve, 'image/png'); });
}

/** Ground and the pictures that are shown, at their places. @param {CanvasRenderingContext2D} ctx @param {{x: number, y: number}} corner of the map's frame on the canvas */
function drawGround(ctx, corner) {
  ctx.save();
  ctx.translate(corner.x, corner.y);
  ctx.fillStyle = GROUND;
  ctx.fillRect(0, 0, map.getSize().x, map.getSize().y);
  for (const overlay of Object.values(pictures)) {
    const image = overlay.getElement();
    if (!map.hasLayer(overlay) || !image || !image.complete) continue;
    const nw = map.latLngToContainerPoint(overlay.getBounds().getNorthWest());
    const se = map.latLngToContainerPoint(overlay.getBounds().getSouthEast());
    const split = divider?.input.isConnected ? (Number(divider.input.value) / 100) * map.getSize().x : null;
    ctx.save();
    if (split !== null && overlay.options.pane !== 'gs-ground') {
      ctx.beginPath();
      if (overlay.options.pane === 'gs-left') ctx.rect(0, 0, split, map.getSize().y);
      else ctx.rect(split, 0, map.getSize().x - split, map.getSize().y);
      ctx.clip();
    }
    ctx.globalAlpha = overlay.options.opacity;
    ctx.imageSmoothingEnabled = overlay.options.pane === 'gs-ground';
    ctx.drawImage(image, nw.x, nw.y, se.x - nw.x, se.y - nw.y);
    ctx.restore();
  }
  ctx.restore();
}

/** The divider between two layers, and which is on which side of it. @param {CanvasRenderingContext2D} ctx @param {{x: number, y: number}} size */
function drawSides(ctx, size) {
  if (!divider?.input.isConnected) return;
  const x = (Number(divider.input.value) / 100) * size.x;
  ctx.globalAlpha = 1;
  ctx.fillStyle = INK;
  ctx.fillRect(x - 1.5, 0, 3, size.y);
  ctx.font = `600 14px ${SANS}`;
  ctx.textBaseline = 'middle';
  ctx.textAlign = 'left';
  if ('letterSpacing' in ctx) /** @type {any} */ (ctx).letterSpacing = '0px';
  for (const side of [divider.left, divider.right]) {
    const wide = ctx.measureText(side.textContent).width + 20;
    const left = side === divider.left ? Math.max(8, x - wide - 12) : Math.min(size.x - wide - 8, x + 12);
    ctx.fillStyle = '#FFFFFFE0';
    ctx.fillRect(left, 28, wide, 26);
    ctx.fillStyle = INK;
    ctx.fillText(side.textContent, left + 10, 41);
  }
}

/** Title above, legend, scale and sources below. @param {CanvasRenderingContext2D} ctx @param {any} size @param {number} head @param {any} lines */
function caption(ctx, size, head, lines) {
  ctx.textAlign = 'left';
  ctx.textBaseline = 'alphabetic';
  if ('letterSpacing' in ctx) /** @type {any} */ (ctx).letterSpacing = '0px';
  let y = 18;
  const write = (font, colour, texts, leading) => {
    ctx.font = font;
    ctx.fillStyle = colour;
    for (const text of texts) {
      ctx.fillText(text, 14, y);
      y += leading;
    }
  };
  write(SMALL_FONT, MUTED, [say(DATA.kicker)], 22);
  write(TITLE_FONT, INK, lines.title, 24);
  y -= 3;
  write(SUBTITLE_FONT, MUTED, lines.subtitle, 17);
  const bar = scaleBar(map.getCenter().lat, map.getZoom(), 130);
  ctx.fillStyle = INK;
  ctx.fillRect(14, head + size.y - 16, bar.pixels, 3);
  ctx.font = SMALL_FONT;
  ctx.fillText(bar.text, 14, head + size.y - 21);
  y = head + size.y;
  lines.items.forEach(([paint, text], k) => {
    const [left, top] = lines.legend.places[k];
    ctx.save();
    ctx.translate(left, y + 8 + top);
    if (paint) {
      ctx.save();
      paint(ctx);
      ctx.restore();
    }
    ctx.font = SMALL_FONT;
    ctx.fillStyle = INK;
    ctx.fillText(text, paint ? 40 : 0, 13);
    ctx.restore();
  });
  y += 24 + lines.legend.height;
  write(SMALL_FONT, MUTED, lines.credits, 14);
}

/** A box of one colour, as a symbol of the legend. @param {string} colour @returns {(ctx: CanvasRenderingContext2D) => void} */
function boxSymbol(colour) {
  return (ctx) => boxOrLine(ctx, { fill: colour, stroke: '#7D8790', width: 0.5 });
}

/** The legend of what is drawn: how to paint each symbol in a box of 34 by 18, and what it means. @returns {[((ctx: CanvasRenderingContext2D) => void) | null, string][]} */
function legendItems() {
  /** @type {[((ctx: CanvasRenderingContext2D) => void) | null, string][]} */
  const items = [];
  const silent = ['areas', 'units', 'change', 'labels', 'graticule', 'picture'];
  const shown = DATA.elements.filter((e) => !state.hidden.has(e.name) && !silent.includes(e.kind) && e.name !== 'surroundings' && !isCovered(e));
  for (const element of shown.reverse()) {
    for (const of of element.parts || [null]) items.push([(ctx) => drawSymbol(ctx, element, of), element.kind === 'flows' ? flowLabel(element) : say(of?.label || element.label)]);
    if (!(state.indicator && element.kind === 'sites')) items.push(...otherSymbols(element));
  }
  if (state.selected) items.push([ringSymbol, word('rings')]);
  const indicator = chosenIndicator();
  if (indicator) {
    items.push([null, `${indicatorName(indicator)}${indicator.unit ? ` (${unitWords(indicator.unit)})` : ''}:`]);
    for (const { colour, label: text } of siteClasses(indicator)) items.push([boxSymbol(colour), text]);
    if (indicator.change && !state.hidden.has('change')) items.push(...changeItems(indicator));
  }
  const measure = chosenMeasure();
  if (measure) {
    items.push([null, `${say(unitLevel().label)}${word('colon')}${measureName(measure)}`]);
    const { labels, colours } = unitClasses(measure);
    labels.forEach((text, k) => items.push([boxSymbol(colours[k]), text]));
    if (unitsWithout(measure).length) items.push([(ctx) => boxOrLine(ctx, NO_UNIT), word('no_data')]);
  }
  for (const item of elementOf('areas')?.items || []) {
    if (item.name !== state.area && !(state.area && item.name === state.compare)) continue;
    items.push([null, `${say(item.label)}:`]);
    for (const c of item.classes) items.push([boxSymbol(mixed(c.colour, GROUND, state.opacity)), say(c.label)]);
  }
  return items;
}

/** Where the items of a legend stand, in rows no wider than given. @param {CanvasRenderingContext2D} ctx @param {any[]} items @param {number} width */
function placeItems(ctx, items, width) {
  ctx.font = SMALL_FONT;
  let [x, y] = [14, 0];
  const places = items.map(([paint, text]) => {
    const wide = (paint ? 40 : 0) + ctx.measureText(text).width + 18;
    if (x > 14 && (x + wide > width || !paint)) [x, y] = [14, y + 22];
    const place = [x, y];
    x += wide;
    return place;
  });
  return { places, height: items.length ? y + 22 : 0 };
}

/** Text in lines no wider than given; Chinese may break anywhere. @param {CanvasRenderingContext2D} ctx @param {string} text @param {number} width */
function linesOf(ctx, text, width) {
  const lines = [''];
  for (const word_ of text.match(/[\u2E80-\u9FFF\uF900-\uFAFF\uFF00-\uFFEF]\s*|[^\s\u2E80-\u9FFF\uF900-\uFAFF\uFF00-\uFFEF]+\s*/gu) || []) {
    const longer = lines[lines.length - 1] + word_;
    if (lines[lines.length - 1] && ctx.measureText(longer.trimEnd()).width > width) lines.push(word_);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}

/** Rows of a table as CSV that no spreadsheet takes for a formula. */
function sitesCsv() {
  const keys = ['id', 'name', 'name_local', 'lon', 'lat', 'uncertainty_km', 'households', 'persons', ...DATA.card.filter((line) => line.level).map((line) => line.column)].filter((k) => k === 'id' || sites.has(k));
  const cell = (value) => {
    if (value === null || typeof value === 'number') return value === null ? '' : String(value);
    const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const lines = [[...keys, 'mean_km'].join(',')];
  for (let i = 0; i < sites.n; i++) {
    const mean = meanKm.site[i];
    lines.push([...keys.map((k) => cell(sites.value(k, i))), mean === null ? '' : mean.toFixed(1)].join(','));
  }
  return `\uFEFF${lines.join('\r\n')}\r\n`;
}

/* ---- print ---- */

/** @type {any} */
let beforePrint = null;

/** Height of the map on paper where only the legend stands below it, pixels. */
const SHEET_HEIGHT = 500;

/** A study's frame, widened to the sites and origins that are seen next to it. @param {any} frame @param {any} study */
function placesIn(frame, study) {
  for (const table of [sites, origins]) {
    for (let i = 0; i < table.n; i++) {
      const lat = table.value('lat', i);
      const at = lat === null ? null : L.latLng(lat, wrapped(table.value('lon', i)));
      if (at && frame.contains(at)) study.extend(at);
    }
  }
  return study;
}

/** Give the map the size of the sheet before it is printed; otherwise it would be cut off at the screen's. */
function preparePrint() {
  if (beforePrint) return;
  endZoom();
  const container = map.getContainer();
  const seen = map.getSize();
  const closed = [panel, part.card].flatMap((at) => [...at.querySelectorAll('details:not([open])')]);
  beforePrint = { center: map.getCenter(), zoom: map.getZoom(), closed };
  const frame = map.getBounds();
  for (const details of closed) details.open = true; // paper cannot be unfolded
  container.classList.add('gs-printing');
  // Room for all legends on the first sheet.
  const layers = new Set(state.area ? [state.area, state.compare] : []);
  layers.delete('');
  container.style.height = `${SHEET_HEIGHT - (state.indicator ? 64 : 0) - 38 * layers.size}px`;
  map.invalidateSize({ animate: false, pan: false });
  // All that is seen on the screen is on the sheet, whatever the shapes of the two; of a whole study, what it holds.
  const now = map.getSize();
  const { zoomSnap } = map.options;
  map.options.zoomSnap = 0;
  const study = leafletBounds(DATA.view);
  if (frame.contains(study)) map.fitBounds(placesIn(frame, study), { animate: false, padding: [12, 12] });
  else map.setView(beforePrint.center, beforePrint.zoom + Math.log2(Math.min(now.x / seen.x, now.y / seen.y)), { animate: false });
  map.options.zoomSnap = zoomSnap;
  sheets._update();
}

/** Back to the screen. */
function endPrint() {
  if (!beforePrint) return;
  map.getContainer().classList.remove('gs-printing');
  map.getContainer().style.height = '';
  map.invalidateSize({ animate: false, pan: false });
  for (const details of beforePrint.closed) details.open = false;
  const { center, zoom } = beforePrint;
  beforePrint = null;
  map.setView(center, zoom, { animate: false });
  sheets._update();
}

// @ts-check
/* Put everything together. */

/** Select a site or an origin, or nothing; zoom to it and its flows if asked. @param {null | {kind: string, row: number}} thing @param {boolean} [zoom] */
function select(thing, zoom) {
  const left = part.card.contains(document.activeElement) ? state.selected : null;
  state.selected = thing;
  fillCard();
  markRows();
  // Whoever closed the card with a key goes on where it was opened.
  if (left && !thing) (panel.querySelector(`[data-row="${left.kind}:${left.row}"]`) ?? map.getContainer()).focus({ preventScroll: true });
  if (thing && zoom) zoomTo(thing);
  else if (thing) clearOfCard(thing);
  sheets.repaint();
  writeHash();
  if (!thing) {
    announce(word('selected_none'));
    return;
  }
  const table = thing.kind === 'site' ? sites : origins;
  const km = meanKm[thing.kind][thing.row];
  announce(`${rowName(table, thing.row)}${km === null ? '' : `${word('colon')}${word('mean_km')} ${figure(km)}`}`);
}

/** Whether the panel and the card lie below the map, as in map.css. */
function narrow() {
  return matchMedia('screen and (max-width: 820px)').matches;
}

/** End a zoom that is still under way: Leaflet would not hear of another view before. */
function endZoom() {
  if (map._animatingZoom) map._onZoomTransitionEnd();
}

/** @param {{kind: string, row: number}} thing */
function zoomTo(thing) {
  endZoom();
  const bounds = L.latLngBounds([]);
  const add = (table, row) => {
    const lat = table.value('lat', row);
    if (lat !== null) bounds.extend([lat, wrapped(table.value('lon', row))]);
  };
  add(thing.kind === 'site' ? sites : origins, thing.row);
  for (const i of flowsOf[thing.kind][thing.row]) {
    add(sites, flows.value('site', i));
    add(origins, flows.value('origin', i));
  }
  const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
  // The card lies over the right of the map, but below it on a phone, where the table is out of sight of both.
  const margin = narrow() ? [20, 20] : [part.card.offsetWidth + 20, 20];
  if (narrow()) scrollTo({ top: 0, behavior: still ? 'auto' : 'smooth' });
  if (bounds.isValid()) map.fitBounds(bounds.pad(0.1), { maxZoom: 10, animate: !still, paddingTopLeft: [50, 20], paddingBottomRight: margin });
}

/** Move the map if the card would cover what was selected, and as far as it can without losing that the ends of its flows. @param {{kind: string, row: number}} thing */
function clearOfCard(thing) {
  const [own_, others] = thing.kind === 'site' ? [sites, origins] : [origins, sites];
  const far = thing.kind === 'site' ? 'origin' : 'site';
  const [x] = inFrame(own_, thing.row) ?? [];
  if (x === undefined || narrow()) return;
  const edge = part.card.offsetLeft - 40;
  const ends = flowsOf[thing.kind][thing.row].map((i) => inFrame(others, flows.value(far, i))?.[0] ?? x).concat(x);
  const over = Math.max(x - edge, Math.min(Math.max(...ends) - edge, Math.min(...ends) - 40));
  if (over > 0) map.panBy([over, 0], { animate: false });
}

/** Where a row lies in the map's frame, pixels; undefined if that is unknown. @param {any} table @param {number} row @returns {number[] | undefined} */
function inFrame(table, row) {
  const lat = table.value('lat', row);
  if (lat === null) return undefined;
  const { x, y } = map.latLngToContainerPoint([lat, wrapped(table.value('lon', row))]);
  return [x, y];
}

/** Keep what is selected in the open part of the map when the window changes, unless the reader had left it. @param {any} [change] Leaflet's event */
function keepInSight(change) {
  const { selected } = state;
  const at = selected && inFrame(selected.kind === 'site' ? sites : origins, selected.row);
  if (!at || beforePrint) return;
  const size = map.getSize();
  if (change) {
    const [x, y] = [at[0] - (size.x - change.oldSize.x) / 2, at[1] - (size.y - change.oldSize.y) / 2]; // the middle stays
    if (x < 0 || y < 0 || x > change.oldSize.x || y > change.oldSize.y) return;
  }
  const open = [narrow() ? size.x : part.card.offsetLeft, size.y];
  const [dx, dy] = at.map((v, k) => (v < 20 ? v - 20 : Math.max(0, v - open[k] + 40)));
  if (dx || dy) map.panBy([dx, dy], { animate: false });
}

/** Do as the address says after it was changed by hand, by a link or by going back. */
function followAddress() {
  endZoom();
  Object.assign(state, choices());
  const asked = readHash();
  document.title = say(DATA.title);
  buildPanel();
  showPictures();
  if (asked) map.setView(asked.at, asked.zoom, { animate: false });
  else map.fitBounds(leafletBounds(DATA.view), { animate: false });
  if (state.selected && !asked) clearOfCard(state.selected);
  writeHash();
}

function wholeMap() {
  endZoom();
  select(null);
  map.fitBounds(leafletBounds(DATA.view), { animate: false });
}

/** What the address asks for: read once, before anything is drawn. */
const link = readHash();
paintEarly(document.getElementById('gs-map'), link);

/** Leaflet and the map on it, over the first picture. */
function makeMap() {
  map = L.map('gs-map', { attributionControl: false, zoomSnap: ZOOM_SNAP, zoomDelta: 0.5, wheelPxPerZoomLevel: 110, minZoom: LEAST_ZOOM, maxZoom: MOST_ZOOM, worldCopyJump: false });
  for (const [pane, order_] of /** @type {[string, number][]} */ ([['gs-ground', 210], ['gs-left', 220], ['gs-right', 221], ['gs-sheet', 350]])) {
    map.createPane(pane).style.zIndex = String(order_);
    if (pane !== 'gs-sheet') map.getPane(pane).style.pointerEvents = 'none';
  }
  if (DATA.basemap) {
    L.tileLayer(DATA.basemap.url, { maxZoom: DATA.basemap.maxZoom, subdomains: DATA.basemap.subdomains, pane: 'tilePane' }).addTo(map);
  }
  if (link) map.setView(link.at, link.zoom, { animate: false });
  else map.fitBounds(leafletBounds(DATA.view), { animate: false });
  map.setMaxBounds(leafletBounds(DATA.view).pad(1.2));
  onMap.push(nameButtons);
  addMapButtons();
  addScale();
  addControl('bottomright', el('div', { class: 'gs-credit' }, `Leaflet${DATA.basemap ? ` | ${DATA.basemap.credit}` : ''}`));
  addControl('bottomright', locator());
  sheets = makeSheets();
  // The panel comes last: measuring where the controls lie would make the browser lay out its long tables first.
  showPictures();
  map.addLayer(sheets);
}

/** What the reader can do, once all is there to do it with. */
function makeUsable() {
  addPointing();
  calmInFrame();
  map.on('move zoomend resize viewreset', clipPanes);
  if (state.selected) {
    // A link that names no view shows all; the card came after the first picture, which knew nothing of it.
    if (link) keepInSight();
    else clearOfCard(state.selected);
    sheets.repaint();
  }
  map.on('moveend', writeHash);
  map.on('resize', keepInSight);
  addEventListener('hashchange', followAddress);
  if (crowding < 1) map.on('zoomend', fillSizes);
  report();
  /** For a notebook or a further script: the Leaflet map and the few things one may ask of it. */
  /** @type {any} */ (window).geosettle = { map, select, state, drawn, destination, inverse, metresPerPixel, exportPng, preparePrint, endPrint, sitesCsv, flowsOfUnits, siteSizes };
}

/** Say how much was drawn, once, for those who do not see it and for tests. */
function report() {
  const container = map.getContainer();
  for (const [key, count] of Object.entries(drawn)) container.setAttribute(`data-${key}`, String(count));
  announce(word('summary', drawn));
}

/** Leaflet stands in the page as text, for a browser reads every script it meets; the page's policy knows its hash too. */
function startLeaflet() {
  document.head.append(el('script', {}, /** @type {any} */ (document.getElementById('gs-leaflet')).textContent));
}

/** What is still to be done, each in a task of its own so that the page answers in between. */
const steps = [startLeaflet, makeMap, buildPanel, makeUsable];
const STEPS = steps.length;

/** Do the rest at once; nothing if it is done. */
function finish() {
  while (steps.length) /** @type {() => void} */ (steps.shift())();
}

/** Do the next thing once a frame has been shown, or soon: a page that is not seen shows none. */
function proceed() {
  if (!steps.length) return;
  const left = steps.length;
  const next = () => {
    if (steps.length !== left) return;
    /** @type {() => void} */ (steps.shift())();
    proceed();
  };
  // A frame is on the screen when the next one begins; the first picture, and whoever waits for it, is not to wait for
  // what follows it.
  const shown = () => setTimeout(next, steps.length === STEPS ? 50 : 0);
  requestAnimationFrame(steps.length === STEPS ? () => requestAnimationFrame(shown) : shown);
  setTimeout(next, 200);
}

// Leaflet stands below this script. A study of ordinary size is whole by the time the page has loaded.
const rest = CROWDED_STUDY ? proceed : finish;
if (document.readyState === 'loading') addEventListener('DOMContentLoaded', rest);
else rest();
addEventListener('beforeprint', () => { finish(); preparePrint(); });
addEventListener('afterprint', endPrint);
/** The user's own folium layers need the map at once. */
/** @type {any} */ (window).geosettleFinish = finish;

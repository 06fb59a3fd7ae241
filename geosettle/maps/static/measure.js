// @ts-check
/* Measuring between two points, full screen, and the map inside another page. */

/** Points of the measurement, and where the pointer is after the first; null while nothing is measured. @type {null | {points: [number, number][], at: [number, number] | null}} */
let measuring = null;

/**
 * Shortest way between two points: Vincenty's inverse formula, good to a millimetre; null for two points that are almost
 * opposite each other, where it finds none.
 * @param {number} lon1 @param {number} lat1 @param {number} lon2 @param {number} lat2
 * @returns {{metres: number, azimuth: number} | null}
 */
function inverse(lon1, lat1, lon2, lat2) {
  const rad = Math.PI / 180;
  const b = WGS84_A * (1 - WGS84_F);
  const L = meridian(lon2 - lon1) * rad;
  const [U1, U2] = [lat1, lat2].map((lat) => Math.atan((1 - WGS84_F) * Math.tan(lat * rad)));
  const [sin1, cos1, sin2, cos2] = [Math.sin(U1), Math.cos(U1), Math.sin(U2), Math.cos(U2)];
  let lambda = L;
  for (let k = 0; k < 200; k++) {
    const [sinL, cosL] = [Math.sin(lambda), Math.cos(lambda)];
    const sinS = Math.hypot(cos2 * sinL, cos1 * sin2 - sin1 * cos2 * cosL);
    if (sinS === 0) return { metres: 0, azimuth: 0 };
    const cosS = sin1 * sin2 + cos1 * cos2 * cosL;
    const sigma = Math.atan2(sinS, cosS);
    const sinA = (cos1 * cos2 * sinL) / sinS;
    const cos2A = 1 - sinA * sinA;
    const cosM = cos2A < 1e-15 ? 0 : cosS - (2 * sin1 * sin2) / cos2A; // along the Equator
    const C = (WGS84_F / 16) * cos2A * (4 + WGS84_F * (4 - 3 * cos2A));
    const next = L + (1 - C) * WGS84_F * sinA * (sigma + C * sinS * (cosM + C * cosS * (2 * cosM * cosM - 1)));
    if (Math.abs(next) > Math.PI) return null;
    const done = Math.abs(next - lambda) < 1e-12;
    lambda = next;
    if (!done) continue;
    const u2 = (cos2A * (WGS84_A * WGS84_A - b * b)) / (b * b);
    const A = 1 + (u2 / 16384) * (4096 + u2 * (-768 + u2 * (320 - 175 * u2)));
    const B = (u2 / 1024) * (256 + u2 * (-128 + u2 * (74 - 47 * u2)));
    const inner = cosS * (2 * cosM * cosM - 1) - (B / 6) * cosM * (4 * sinS * sinS - 3) * (4 * cosM * cosM - 3);
    const azimuth = Math.atan2(cos2 * Math.sin(lambda), cos1 * sin2 - sin1 * cos2 * Math.cos(lambda)) / rad;
    return { metres: b * A * (sigma - B * sinS * (cosM + (B / 4) * inner)), azimuth };
  }
  return null;
}

/** A length as one reads it. @param {number} metres */
function lengthText(metres) {
  return metres < 1000 ? `${figure(metres, 0)} ${word('metres')}` : withUnit(figure(metres / 1000, metres < 1e5 ? 2 : 1), 'km');
}

/** The two ends of what is measured, the second the pointer until it is set. @returns {[number, number][]} */
function measuredEnds() {
  if (!measuring) return [];
  const { points, at } = measuring;
  return points.length === 1 && at ? [points[0], at] : points;
}

/** The result so far, or what to do next. */
function measureText() {
  const [a, b] = measuredEnds();
  if (!b) return word('measure_start');
  const found = inverse(...a, ...b);
  return found ? word('measured', { length: lengthText(found.metres), bearing: figure((found.azimuth + 360) % 360, 0) }) : word('measure_far');
}

function showMeasure() {
  part.measure.hidden = !measuring;
  part.measuring?.setAttribute('aria-pressed', String(measuring !== null));
  map.getContainer().classList.toggle('gs-measuring', measuring !== null);
  if (measuring) part.measure.replaceChildren(measureText());
  sheets.repaint();
}

/** Begin to measure, or end. */
function toggleMeasure() {
  measuring = measuring ? null : { points: [], at: null };
  showMeasure();
  if (measuring) map.getContainer().focus({ preventScroll: true });
}

/** Take a point; a third begins anew. @param {{lat: number, lng: number}} latlng */
function takePoint({ lat, lng }) {
  if (!measuring) return;
  const { points } = measuring;
  measuring = { points: [...(points.length === 2 ? [] : points), [lng, lat]], at: null };
  showMeasure();
  if (measuring.points.length === 2) announce(measureText());
}

/** The line that is measured, as the shortest way runs, and its ends. @param {Sheet} sheet */
function drawMeasure(sheet) {
  if (!measuring) return;
  const { ctx } = sheet;
  const ends = measuredEnds();
  const onSheet = ([lon, lat]) => [(lon / 360 + 0.5) * sheet.scale + sheet.dx, mercatorY(lat) * sheet.scale + sheet.dy];
  const found = ends.length === 2 ? inverse(...ends[0], ...ends[1]) : null;
  ctx.save();
  for (const [colour, width] of /** @type {[string, number][]} */ ([['#FFFFFF', 5], [CHOSEN, 2]])) {
    ctx.strokeStyle = colour;
    ctx.lineWidth = width;
    ctx.fillStyle = colour;
    if (found) {
      ctx.beginPath();
      for (let k = 0; k <= 64; k++) {
        const [lon, lat] = destination(...ends[0], found.azimuth, (found.metres * k) / 64);
        const [x, y] = onSheet([lon, lat]);
        ctx.lineTo(x, y);
      }
      ctx.stroke();
    }
    for (const end of ends) {
      const [x, y] = onSheet(end);
      ctx.beginPath();
      ctx.arc(x, y, width + 1, 0, 2 * Math.PI);
      ctx.fill();
    }
  }
  ctx.restore();
}

/** A symbol of a button, drawn with lines. @param {string} path */
function buttonIcon(path) {
  return svg('svg', { viewBox: '0 0 18 18', width: 18, height: 18, 'aria-hidden': 'true' }, svg('path', { d: path, fill: 'none', stroke: 'currentColor', 'stroke-width': 1.8 }));
}

/** Buttons on the map: measure, and full screen where the browser lets a page have it. */
function addMapButtons() {
  const whole = /** @type {any} */ (document.getElementById('gs-main'));
  part.measuring = el('button', { type: 'button', id: 'gs-measure', 'aria-pressed': 'false', onclick: toggleMeasure }, buttonIcon('M2 13 13 2l3 3L5 16Z M5 10l2 2 M8 7l2 2 M11 4l2 2'));
  const full = document.fullscreenEnabled ? el('button', { type: 'button', id: 'gs-full', onclick: () => (document.fullscreenElement ? document.exitFullscreen() : whole.requestFullscreen()) }, buttonIcon('M2 6V2h4 M12 2h4v4 M16 12v4h-4 M6 16H2v-4')) : null;
  const bar = addControl('topleft', el('div', { class: 'leaflet-bar gs-tools' }, part.measuring, full));
  L.DomEvent.disableClickPropagation(bar);
  part.measure = el('output', { class: 'gs-measured', hidden: true });
  map.getContainer().append(part.measure);
  onMap.push(() => {
    for (const [node, key] of [[part.measuring, 'measure'], [full, 'full_screen']]) {
      node?.setAttribute('title', word(key));
      node?.setAttribute('aria-label', word(key));
    }
    showMeasure();
  });
  map.on('mousemove', (event) => {
    if (measuring?.points.length !== 1) return;
    measuring.at = [event.latlng.lng, event.latlng.lat];
    showMeasure();
  });
  map.getContainer().addEventListener('keydown', (event) => {
    if (measuring && event.key === 'Enter' && event.target === map.getContainer()) takePoint(map.getCenter());
  });
  document.addEventListener('keydown', (event) => { if (event.key === 'Escape' && measuring) toggleMeasure(); });
}

/** Inside another page the wheel scrolls that page, until the reader turns to the map. */
function calmInFrame() {
  if (window.top === window) return;
  map.scrollWheelZoom.disable();
  map.on('focus', () => map.scrollWheelZoom.enable());
  map.on('blur', () => map.scrollWheelZoom.disable());
}

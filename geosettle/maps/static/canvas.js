// @ts-check
/*
 * One canvas for everything drawn from numbers. The first picture is painted on it before Leaflet is there, at the view
 * that Leaflet will then take; from then on it moves and zooms with the map as Leaflet's own canvas does, and is
 * redrawn by `paint` whenever the view or a choice changes.
 */

/** Leaflet's map and our canvas on it; made in main.js. @type {any} */
let map = null;
/** @type {any} */
let sheets = null;
/** How far the canvas reaches beyond the view on each side, as a share of the view. */
const PADDING = 0.15;
const ZOOM_SNAP = 0.25;
const LEAST_ZOOM = 1;
const MOST_ZOOM = DATA.basemap ? DATA.basemap.maxZoom : 18;

/**
 * What a drawing function gets: the context, the view, and how to turn Web Mercator into pixels.
 * @typedef {Object} Sheet
 * @property {CanvasRenderingContext2D} ctx
 * @property {number} zoom
 * @property {number} scale pixels per unit square
 * @property {number} dx
 * @property {number} dy
 * @property {number} width
 * @property {number} height
 * @property {number[]} box the view in Web Mercator: left, top, right, bottom
 * @property {number[]} frame what of the canvas is seen: left, top, right, bottom
 * @property {number[][]} taken boxes of labels and symbols already placed, for labels to avoid
 * @property {any} [pixels] what is laid but not on the canvas yet, see crowd.js
 */

/** Web Mercator box of west, south, east, north: left, top, right, bottom. @param {number[]} b */
function mercatorBox(b) {
  const turn = b[2] <= WRAP ? 1 : 0;
  return [b[0] / 360 + 0.5 + turn, mercatorY(b[3]), b[2] / 360 + 0.5 + turn, mercatorY(b[1])];
}

/** Zoom at which west, south, east, north fill a frame, as Leaflet's getBoundsZoom has it. @param {number[]} bounds @param {number} width @param {number} height */
function fittingZoom(bounds, width, height) {
  const [left, top, right, bottom] = mercatorBox(bounds);
  const zoom = Math.log2(Math.min(width / (right - left), height / (bottom - top)) / 256);
  const near = Math.round(zoom / (ZOOM_SNAP / 100)) * (ZOOM_SNAP / 100);
  return Math.max(LEAST_ZOOM, Math.min(MOST_ZOOM, Math.floor(near / ZOOM_SNAP) * ZOOM_SNAP));
}

/** The canvas and where it was painted before Leaflet came; null if it was not. @type {any} */
let early = null;

/**
 * Paint all but the names before Leaflet is there, where Leaflet will have its canvas. If it then should want it a pixel
 * elsewhere, it is painted anew.
 * @param {any} container @param {null | {zoom: number, at: number[]}} link the view that the address asks for
 */
function paintEarly(container, link) {
  const [width, height] = [container.clientWidth, container.clientHeight];
  if (!width || !height) return;
  const [left, top, right, bottom] = mercatorBox(DATA.view);
  const zoom = link ? Math.max(LEAST_ZOOM, Math.min(MOST_ZOOM, link.zoom)) : fittingZoom(DATA.view, width, height);
  const scale = 256 * 2 ** zoom;
  const x = (link ? link.at[1] / 360 + 0.5 : (left + right) / 2) * scale;
  const y = (link ? mercatorY(link.at[0]) : (top + bottom) / 2) * scale;
  const origin = [Math.round(x - width / 2), Math.round(y - height / 2)];
  const corner = [Math.round(-width * PADDING), Math.round(-height * PADDING)];
  const size = { x: Math.round(width * (1 + 2 * PADDING)), y: Math.round(height * (1 + 2 * PADDING)) };
  const canvas = makeCanvas();
  const ctx = sizeCanvas(canvas, size);
  canvas.style.transform = `translate(${corner[0]}px, ${corner[1]}px)`;
  container.append(canvas);
  const sheet = makeSheet(ctx, zoom, { x: origin[0] + corner[0], y: origin[1] + corner[1] }, size);
  sheet.frame = [-corner[0], -corner[1], width - corner[0], height - corner[1]];
  drawMarks(sheet);
  early = { canvas, sheet, place: [zoom, ...origin, ...corner, size.x, size.y, window.devicePixelRatio].join() };
}

function makeCanvas() {
  return el('canvas', { 'aria-hidden': 'true', style: { pointerEvents: 'none', position: 'absolute', left: '0', top: '0' } });
}

/** Give a canvas its size, at the screen's density; this clears it. @param {any} canvas @param {{x: number, y: number}} size */
function sizeCanvas(canvas, size) {
  const dense = beforePrint ? 2 : window.devicePixelRatio || 1; // Chromium replays a canvas on paper as lines, rightly only at powers of 2
  canvas.width = Math.round(size.x * dense);
  canvas.height = Math.round(size.y * dense);
  canvas.style.width = `${size.x}px`;
  canvas.style.height = `${size.y}px`;
  const ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  ctx.setTransform(dense, 0, 0, dense, 0, 0);
  return ctx;
}

/** The canvas as a layer of Leaflet; made once Leaflet is there. @returns {any} */
function makeSheets() {
  const Sheets = L.Renderer.extend({
    options: { padding: PADDING, pane: 'gs-sheet' },

    _initContainer() {
      this._container = early ? early.canvas : makeCanvas();
      this._ctx = this._container.getContext('2d');
    },

    _destroyContainer() {
      this._container.remove();
      delete this._container;
      delete this._ctx;
    },

    /** Leaflet asks for its own vector layers here; there are none. */
    _updatePaths() {},

    _update() {
      if (this._map._animatingZoom && this._bounds) return;
      /** @type {any} */ (L.Renderer.prototype)._update.call(this);
      const size = this._bounds.getSize();
      const { min } = this._bounds;
      const origin = this._map.getPixelOrigin();
      L.DomUtil.setPosition(this._container, min);
      this.fire('update');
      const painted = early;
      early = null;
      if (painted && painted.place === [this._map.getZoom(), origin.x, origin.y, min.x, min.y, size.x, size.y, window.devicePixelRatio].join()) {
        painted.sheet.taken.push(...controlBoxes(min));
        drawNames(painted.sheet);
        return;
      }
      sizeCanvas(this._container, size);
      this.paint();
    },

    /** Paint on a canvas that is clear. */
    paint() {
      if (!this._ctx || !this._bounds) return;
      const size = this._bounds.getSize();
      const corner = this._map.getPixelOrigin().add(this._bounds.min);
      const sheet = makeSheet(this._ctx, this._map.getZoom(), corner, size);
      const seen = this._map.containerPointToLayerPoint([0, 0]).subtract(this._bounds.min);
      const view = this._map.getSize();
      sheet.frame = [seen.x, seen.y, seen.x + view.x, seen.y + view.y];
      sheet.taken.push(...controlBoxes(this._bounds.min));
      // A printed canvas is opaque: it hides the pictures under it, so it must carry them itself.
      if (beforePrint) drawGround(this._ctx, seen);
      drawAll(sheet);
    },

    /** Paint once before the next frame, however many choices changed. */
    repaint() {
      if (this._waiting || !this._ctx) return;
      this._waiting = requestAnimationFrame(() => {
        this._waiting = 0;
        this._ctx.clearRect(0, 0, this._container.width, this._container.height);
        this.paint();
      });
    },
  });
  return new Sheets();
}

/** Where controls and the card lie over the canvas, so that no name is written under them. @param {any} corner */
function controlBoxes(corner) {
  const frame = map.getContainer().getBoundingClientRect();
  const shift = map.containerPointToLayerPoint([0, 0]).subtract(corner);
  return [...map.getContainer().querySelectorAll('.leaflet-control'), ...(state.selected && part.card ? [part.card] : [])].map((node) => {
    const r = node.getBoundingClientRect();
    return [r.left - frame.left + shift.x, r.top - frame.top + shift.y, r.right - frame.left + shift.x, r.bottom - frame.top + shift.y];
  });
}

/**
 * @param {CanvasRenderingContext2D} ctx @param {number} zoom
 * @param {{x: number, y: number}} corner world pixel of the canvas's upper left corner
 * @param {{x: number, y: number}} size
 * @returns {Sheet}
 */
function makeSheet(ctx, zoom, corner, size) {
  const scale = 256 * 2 ** zoom;
  const box = [corner.x / scale, corner.y / scale, (corner.x + size.x) / scale, (corner.y + size.y) / scale];
  return { ctx, zoom, scale, dx: -corner.x, dy: -corner.y, width: size.x, height: size.y, box, frame: [0, 0, size.x, size.y], taken: [] };
}

/** Add rings or lines to the context's path. @param {Sheet} sheet @param {any} feature @param {boolean} close */
function trace(sheet, feature, close) {
  const { ctx, scale, dx, dy } = sheet;
  for (const xy of feature.rings) {
    ctx.moveTo(xy[0] * scale + dx, xy[1] * scale + dy);
    // Points less than half a pixel from the last one drawn would not be seen.
    let lastX = xy[0] * scale + dx;
    let lastY = xy[1] * scale + dy;
    for (let i = 2; i < xy.length; i += 2) {
      const x = xy[i] * scale + dx;
      const y = xy[i + 1] * scale + dy;
      if (i < xy.length - 2 && Math.abs(x - lastX) < 0.5 && Math.abs(y - lastY) < 0.5) continue;
      ctx.lineTo(x, y);
      lastX = x;
      lastY = y;
    }
    if (close) ctx.closePath();
  }
}

/** Whether a feature's box meets the view. @param {Sheet} sheet @param {number[]} box */
function inView(sheet, box) {
  return box[0] <= sheet.box[2] && box[2] >= sheet.box[0] && box[1] <= sheet.box[3] && box[3] >= sheet.box[1];
}

/** Path of a diamond. @param {CanvasRenderingContext2D} ctx @param {number} x @param {number} y @param {number} r */
function diamond(ctx, x, y, r) {
  ctx.beginPath();
  ctx.moveTo(x, y - r);
  ctx.lineTo(x + r, y);
  ctx.lineTo(x, y + r);
  ctx.lineTo(x - r, y);
  ctx.closePath();
}

/** Diagonal lines in a colour, as a fill. @param {CanvasRenderingContext2D} ctx @param {string} colour */
function hatch(ctx, colour) {
  const tile = document.createElement('canvas');
  tile.width = 6;
  tile.height = 6;
  const pen = /** @type {CanvasRenderingContext2D} */ (tile.getContext('2d'));
  pen.fillStyle = 'rgba(255,255,255,0.55)';
  pen.fillRect(0, 0, 6, 6);
  pen.strokeStyle = colour;
  pen.lineWidth = 2;
  pen.beginPath();
  for (const shift of [-6, 0, 6]) {
    pen.moveTo(shift - 1, 7);
    pen.lineTo(shift + 7, -1);
  }
  pen.stroke();
  return /** @type {CanvasPattern} */ (ctx.createPattern(tile, 'repeat'));
}

/** A geodesic circle as Web Mercator coordinates. @param {number} lon @param {number} lat @param {number} km */
function circle(lon, lat, km) {
  const n = 72;
  const xy = new Float64Array(2 * n);
  for (let i = 0; i < n; i++) {
    const [x, y] = destination(lon, lat, (360 * i) / n, km * 1000);
    xy[2 * i] = mercatorX(x);
    xy[2 * i + 1] = mercatorY(y);
  }
  return { rings: [xy] };
}

/**
 * Write a name where it covers nothing: tries the places in order, keeps to the view; returns whether it was written.
 * Places: right, left, above, below, centred; above or below, to the right (u, d) or to the left (v, e).
 * @param {Sheet} sheet @param {string} text @param {number} x @param {number} y
 * @param {{font: string, size: number, colour: string, gap?: number, places?: string, spacing?: string, margin?: number, must?: boolean}} look
 */
function label(sheet, text, x, y, look) {
  const { ctx } = sheet;
  ctx.font = look.font;
  if ('letterSpacing' in ctx) /** @type {any} */ (ctx).letterSpacing = look.spacing || '0px';
  const width = ctx.measureText(text).width;
  const gap = look.gap || 0;
  const half = look.size * 0.62;
  for (const place of look.places || 'rlab') {
    const left = { r: x + gap, l: x - gap - width, u: x - gap / 2, d: x - gap / 2, v: x + gap / 2 - width, e: x + gap / 2 - width }[place] ?? x - width / 2;
    const middle = 'auv'.includes(place) ? y - gap - half : 'bde'.includes(place) ? y + gap + half : y;
    const boxed = (margin) => [left - 2 - margin, middle - half - margin, left + width + 2 + margin, middle + half + margin];
    const box = boxed(look.margin || 0);
    const { frame } = sheet;
    const inside = box[0] > frame[0] && box[1] > frame[1] && box[2] < frame[2] && box[3] < frame[3];
    if (!inside || (!look.must && sheet.taken.some((b) => overlap(b, box)))) continue;
    sheet.taken.push(boxed(0)); // the margin is for what is written before
    ctx.textAlign = 'left';
    ctx.textBaseline = 'middle';
    ctx.lineJoin = 'round';
    ctx.strokeStyle = 'rgba(255,255,255,0.85)';
    ctx.lineWidth = 3;
    ctx.strokeText(text, left, middle);
    ctx.fillStyle = look.colour;
    ctx.fillText(text, left, middle);
    return true;
  }
  return false;
}

/** @param {number[]} a @param {number[]} b */
function overlap(a, b) {
  return a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
}

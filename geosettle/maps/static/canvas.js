// @ts-check
/*
 * One canvas for everything drawn from numbers. It moves and zooms with the map as Leaflet's own canvas does, and is
 * redrawn by `paint` whenever the view or a choice changes.
 */

/** Leaflet's map and our canvas on it; made in main.js. @type {any} */
let map = null;
/** @type {any} */
let sheets = null;

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
 */

/** @type {any} */
const Sheets = L.Renderer.extend({
  options: { padding: 0.15 },

  _initContainer() {
    this._container = document.createElement('canvas');
    this._container.setAttribute('aria-hidden', 'true');
    this._container.style.pointerEvents = 'none';
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
    const dense = beforePrint ? 2 : window.devicePixelRatio || 1; // Chromium replays a canvas on paper as lines, rightly only at powers of 2
    L.DomUtil.setPosition(this._container, this._bounds.min);
    this._container.width = Math.round(size.x * dense);
    this._container.height = Math.round(size.y * dense);
    this._container.style.width = `${size.x}px`;
    this._container.style.height = `${size.y}px`;
    this._ctx.setTransform(dense, 0, 0, dense, 0, 0);
    this.fire('update');
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

/** Where controls lie over the canvas, so that no name is written under them. @param {any} corner */
function controlBoxes(corner) {
  const frame = map.getContainer().getBoundingClientRect();
  const shift = map.containerPointToLayerPoint([0, 0]).subtract(corner);
  return [...map.getContainer().querySelectorAll('.leaflet-control')].map((node) => {
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

/**
 * Very many small diamonds, pixel by pixel: a canvas takes ten times as long for each path of its own.
 * @param {Sheet} sheet
 * @param {{x: number, y: number, r: number, rgb: number[], alpha: number}[]} marks drawn in this order
 */
function speckle(sheet, marks) {
  const dense = sheet.ctx.getTransform().a;
  const width = Math.ceil(sheet.width * dense);
  const height = Math.ceil(sheet.height * dense);
  const image = new ImageData(width, height);
  const { data } = image;
  for (const mark of marks) {
    const [cx, cy, r] = [mark.x * dense, mark.y * dense, mark.r * dense];
    const rim = r + 1.2 * dense;
    for (let y = Math.max(0, Math.ceil(cy - rim)); y <= Math.min(height - 1, cy + rim); y++) {
      const reach = rim - Math.abs(y - cy);
      for (let x = Math.max(0, Math.ceil(cx - reach)); x <= Math.min(width - 1, cx + reach); x++) {
        const inside = Math.abs(x - cx) + Math.abs(y - cy) <= r;
        const at = 4 * (y * width + x);
        for (let k = 0; k < 3; k++) data[at + k] = inside ? mark.rgb[k] : 255;
        data[at + 3] = 255 * mark.alpha;
      }
    }
  }
  const layer = document.createElement('canvas');
  layer.width = width;
  layer.height = height;
  /** @type {CanvasRenderingContext2D} */ (layer.getContext('2d')).putImageData(image, 0, 0);
  sheet.ctx.drawImage(layer, 0, 0, width / dense, height / dense);
}

/** Red, green and blue of "#rrggbb". @param {string} colour */
function rgbOf(colour) {
  return [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));
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
    const left = { r: x + gap, l: x - gap - width, a: x - width / 2, b: x - width / 2, c: x - width / 2 }[place] ?? x;
    const middle = { a: y - gap - half, b: y + gap + half }[place] ?? y;
    const margin = look.margin || 0;
    const box = [left - 2 - margin, middle - half - margin, left + width + 2 + margin, middle + half + margin];
    const { frame } = sheet;
    const inside = box[0] > frame[0] && box[1] > frame[1] && box[2] < frame[2] && box[3] < frame[3];
    if (!inside || (!look.must && sheet.taken.some((b) => overlap(b, box)))) continue;
    sheet.taken.push(box);
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

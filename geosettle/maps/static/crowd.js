// @ts-check
/*
 * Thousands of flows and symbols, pixel by pixel: a canvas takes ten times as long for a path of its own for each.
 * What follows one another is laid on one sheet of pixels, which goes onto the canvas in one piece. The innermost loops
 * reckon in whole numbers: the first picture is drawn before the browser has compiled them, and until then every
 * fraction costs it a new object.
 */

/** From how many flows or symbols in view on they are drawn this way. */
const CROWD = 3000;
/** Kinds of elements that may be drawn this way; before any other, the pixels laid so far go onto the canvas. */
const CROWDED = new Set(['flows', 'origins', 'sites']);

/** The last sheet of pixels, kept to be used again. @type {ImageData | null} */
let lastImage = null;

/**
 * Pixels of a drawing sheet that are not on its canvas yet: those of the part of it where there is something to draw.
 * @typedef {Object} Pixels
 * @property {number} left of the part, in pixels of the screen
 * @property {number} top
 * @property {number} width
 * @property {number} height
 * @property {number} dense pixels of the screen per pixel of the page
 * @property {number} scale of Web Mercator to pixels
 * @property {number} dx such that x * scale + dx is 0 in the middle of the first pixel
 * @property {number} dy
 * @property {Int32Array} colour as the canvas stores it: alpha, blue, green, red
 */

/** @param {Sheet} sheet @returns {Pixels} */
function pixelsOf(sheet) {
  if (sheet.pixels) return sheet.pixels;
  const dense = sheet.ctx.getTransform().a;
  const room = 20; // of symbols
  const left = Math.max(0, Math.floor(dense * (extent[0] * sheet.scale + sheet.dx - room)));
  const top = Math.max(0, Math.floor(dense * (extent[1] * sheet.scale + sheet.dy - room)));
  const right = Math.min(sheet.width, extent[2] * sheet.scale + sheet.dx + room);
  const bottom = Math.min(sheet.height, extent[3] * sheet.scale + sheet.dy + room);
  const width = Math.max(1, Math.ceil(dense * right) - left);
  const height = Math.max(1, Math.ceil(dense * bottom) - top);
  if (lastImage && lastImage.width === width && lastImage.height === height) new Int32Array(lastImage.data.buffer).fill(0);
  else lastImage = new ImageData(width, height);
  const place = { scale: sheet.scale * dense, dx: sheet.dx * dense - left - 0.5, dy: sheet.dy * dense - top - 0.5 };
  sheet.pixels = { left, top, width, height, dense, ...place, colour: new Int32Array(lastImage.data.buffer) };
  return sheet.pixels;
}

/** Put the pixels laid so far, if any, onto the canvas. @param {Sheet} sheet */
function putPixels(sheet) {
  if (!sheet.pixels || !lastImage) return;
  const { left, top, width, height, dense } = sheet.pixels;
  sheet.pixels = null;
  const layer = document.createElement('canvas');
  layer.width = width;
  layer.height = height;
  /** @type {CanvasRenderingContext2D} */ (layer.getContext('2d')).putImageData(lastImage, 0, 0);
  sheet.ctx.globalAlpha = 1;
  sheet.ctx.drawImage(layer, left / dense, top / dense, width / dense, height / dense);
}

/** A colour "#rrggbb" as the canvas stores it, opaque. @param {string} colour */
function storedColour(colour) {
  const [r, g, b] = [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));
  return (255 << 24) | (b << 16) | (g << 8) | r;
}

/**
 * Flows as strands of which each adds, pixel by pixel, how much of it it covers. Where strands of opacity a cover a
 * pixel d times, it shows 1 - (1 - a) ** d of their colour: what drawing one over the other comes to, in whatever order.
 * @param {Sheet} sheet @param {Int32Array} rows which flows, all in view @param {string} colour @param {number} opacity
 */
function drawStrands(sheet, rows, colour, opacity) {
  putPixels(sheet);
  const { width, height, dense, scale, dx, dy, colour: out } = pixelsOf(sheet);
  const cover = new Int32Array(width * height);
  for (let k = 0; k < rows.length; k++) {
    const i = rows[k];
    const o = 2 * flowOrigin[i];
    const s = 2 * flowSite[i];
    const ax = originXY[o] * scale + dx;
    const ay = originXY[o + 1] * scale + dy;
    const bx = siteXY[s] * scale + dx;
    const by = siteXY[s + 1] * scale + dy;
    const wide = dense * flowWidth(flowHouseholds[i]);
    // Up to two pixels one strand will do: it is darker instead of wider.
    if (wide <= 2) strand(cover, width, height, ax, ay, (ax + bx) / 2 - (by - ay) * BEND, (ay + by) / 2 + (bx - ax) * BEND, bx, by, STYLE.flowTaper * wide, wide);
    else strandsBeside(cover, width, height, ax, ay, bx, by, wide);
  }
  // Coverage in steps of 1/32 to the colour's alpha.
  const shades = new Int32Array(1024);
  const ink = storedColour(colour) & 0xffffff;
  for (let i = 0; i < shades.length; i++) shades[i] = (Math.round(255 * (1 - (1 - opacity) ** (i / 32))) << 24) | ink;
  for (let i = 0; i < cover.length; i++) {
    const c = cover[i];
    if (c !== 0) out[i] = shades[c < 32 * FULL - 128 ? (c + 64) >> 7 : 1023];
  }
}

/**
 * A flow wider than a pixel: several strands beside each other, which spread towards the site as `traceFlow` has it.
 * @param {Int32Array} cover @param {number} width @param {number} height
 * @param {number} ax @param {number} ay @param {number} bx @param {number} by @param {number} wide
 */
function strandsBeside(cover, width, height, ax, ay, bx, by, wide) {
  const cx = (ax + bx) / 2 - (by - ay) * BEND;
  const cy = (ay + by) / 2 + (bx - ax) * BEND;
  const la = Math.hypot(cx - ax, cy - ay) || 1;
  const lb = Math.hypot(bx - cx, by - cy) || 1;
  const n = Math.ceil(wide);
  for (let k = 0; k < n; k++) {
    const off = ((k + 0.5) / n - 0.5) * wide;
    const nax = (-(cy - ay) / la) * off * STYLE.flowTaper;
    const nay = ((cx - ax) / la) * off * STYLE.flowTaper;
    const nbx = (-(by - cy) / lb) * off;
    const nby = ((bx - cx) / lb) * off;
    strand(cover, width, height, ax + nax, ay + nay, cx + (nax + nbx) / 2, cy + (nay + nby) / 2, bx + nbx, by + nby, (STYLE.flowTaper * wide) / n, wide / n);
  }
}

/** A pixel that is wholly covered, in `cover`. */
const FULL = 4096;

/** Longest strand that is walked in one go, pixels: the roundings of its steps add up to a quarter of a pixel at most. */
const LONGEST = 256;

/**
 * One strand from a to b, bent towards c, walked in steps of about a pixel; each leaves what it covers on the four pixels
 * around it. Positions are in pixels from the middle of the first one.
 * @param {Int32Array} cover @param {number} width @param {number} height
 * @param {number} ax @param {number} ay @param {number} cx @param {number} cy @param {number} bx @param {number} by
 * @param {number} from width at a, pixels @param {number} to width at b
 */
function strand(cover, width, height, ax, ay, cx, cy, bx, by, from, to) {
  if ((ax < 0 && bx < 0 && cx < 0) || (ay < 0 && by < 0 && cy < 0)) return;
  if ((ax > width && bx > width && cx > width) || (ay > height && by > height && cy > height)) return;
  const length = 1.02 * Math.sqrt((bx - ax) * (bx - ax) + (by - ay) * (by - ay)); // of the arc, bent as flows are
  if (length > LONGEST) {
    const px = (ax + cx) / 2;
    const py = (ay + cy) / 2;
    const qx = (cx + bx) / 2;
    const qy = (cy + by) / 2;
    strand(cover, width, height, ax, ay, px, py, (px + qx) / 2, (py + qy) / 2, from, (from + to) / 2);
    strand(cover, width, height, (px + qx) / 2, (py + qy) / 2, qx, qy, bx, by, (from + to) / 2, to);
    return;
  }
  const right = width - 1;
  const bottom = height - 1;
  const inside = Math.min(ax, bx, cx, ay, by, cy) >= 0 && Math.max(ax, bx, cx) < right && Math.max(ay, by, cy) < bottom;
  // From here on in whole 65536ths of a pixel and whole shares of FULL. The second differences of a parabola are constant.
  const steps = Math.ceil(length) || 1;
  const h = 1 / steps;
  const curveX = Math.round((ax - 2 * cx + bx) * 2 * h * h * 65536);
  const curveY = Math.round((ay - 2 * cy + by) * 2 * h * h * 65536);
  let stepX = Math.round((cx - ax) * 2 * h * 65536) + curveX;
  let stepY = Math.round((cy - ay) * 2 * h * 65536) + curveY;
  let x = Math.round(ax * 65536) + ((stepX - curveX) >> 1) + (curveX >> 3);
  let y = Math.round(ay * 65536) + ((stepY - curveY) >> 1) + (curveY >> 3);
  const grow = Math.round(FULL * (to - from) * length * h * h);
  let amount = Math.round(FULL * from * length * h) + (grow >> 1);
  for (let j = 0; j < steps; j++) {
    const left = x >> 16;
    const top = y >> 16;
    if (inside || (left >= 0 && top >= 0 && left < right && top < bottom)) {
      const at = top * width + left;
      const fx = (x >> 8) & 255;
      const low = (amount * ((y >> 8) & 255)) >> 8;
      const high = amount - low;
      const lowRight = (low * fx) >> 8;
      const highRight = (high * fx) >> 8;
      cover[at] += high - highRight;
      cover[at + 1] += highRight;
      cover[at + width] += low - lowRight;
      cover[at + width + 1] += lowRight;
    }
    x += stepX;
    y += stepY;
    stepX += curveX;
    stepY += curveY;
    amount += grow;
  }
}

/**
 * Diamonds with a white rim.
 * @param {Sheet} sheet @param {Int32Array} rows which, in the order of drawing @param {Float64Array} xy
 * @param {(row: number) => number} radius @param {number | ((row: number) => number)} ink colour, as stored
 * @param {((row: number) => number) | null} opacity null: all are opaque
 */
function drawDiamondStamps(sheet, rows, xy, radius, ink, opacity) {
  const { width, height, dense, scale, dx, dy, colour } = pixelsOf(sheet);
  const rim = 1.2 * dense;
  const mixtures = new Map();
  let mixture = typeof ink === 'number' ? mixtureOf(ink) : null;
  for (let k = 0; k < rows.length; k++) {
    const row = rows[k];
    const cx = xy[2 * row] * scale + dx;
    const cy = xy[2 * row + 1] * scale + dy;
    const r = radius(row) * dense;
    if (typeof ink !== 'number') {
      const full = ink(row);
      if (!mixtures.has(full)) mixtures.set(full, mixtureOf(full));
      mixture = mixtures.get(full);
    }
    diamondStamp(colour, width, height, cx, cy, r, r + rim, mixture, opacity ? opacity(row) : 1);
  }
}

/** From white to a colour in 16 steps. @param {number} full */
function mixtureOf(full) {
  return new Int32Array(17).map((_, i) => over(0, full, 16 * i - (i >> 4), 255));
}

/**
 * One diamond; what lies within half a pixel of its edge is mixed. Reckoned in 16ths of a pixel.
 * @param {Int32Array} colour @param {number} width @param {number} height @param {number} x0 @param {number} y0
 * @param {number} r0 @param {number} rim0 @param {any} mixture @param {number} strength
 */
function diamondStamp(colour, width, height, x0, y0, r0, rim0, mixture, strength) {
  const cx = Math.round(16 * x0);
  const cy = Math.round(16 * y0);
  const r = Math.round(16 * r0);
  const rim = Math.round(16 * rim0);
  const opaque = strength === 1;
  let y = (cy - rim + 15) >> 4;
  let bottom = (cy + rim) >> 4;
  if (y < 0) y = 0;
  if (bottom > height - 1) bottom = height - 1;
  for (; y <= bottom; y++) {
    const v = 16 * y < cy ? cy - 16 * y : 16 * y - cy;
    let x = (cx - rim + v + 15) >> 4;
    let right = (cx + rim - v) >> 4;
    if (x < 0) x = 0;
    if (right > width - 1) right = width - 1;
    for (let at = y * width + x; x <= right; x++, at++) {
      // An edge lies 0.71 of the difference of half diagonals away.
      const share = 8 + (((r - v - (16 * x < cx ? cx - 16 * x : 16 * x - cx)) * 181) >> 8);
      const mixed = mixture[share < 0 ? 0 : share > 16 ? 16 : share];
      colour[at] = opaque ? mixed : over(colour[at], mixed, 255, Math.round(255 * strength));
    }
  }
}

/**
 * White discs with a line around them.
 * @param {Sheet} sheet @param {Int32Array} rows which, in the order of drawing @param {Float64Array} xy
 * @param {(row: number) => number} radius @param {number} ink colour, as stored
 * @param {((row: number) => number) | null} opacity null: all are opaque
 */
function drawRingStamps(sheet, rows, xy, radius, ink, opacity) {
  const { width, height, dense, scale, dx, dy, colour } = pixelsOf(sheet);
  const profiles = new Map();
  for (let k = 0; k < rows.length; k++) {
    const r = Math.round(4 * radius(rows[k]) * dense); // in quarters of a pixel, so that few profiles serve all
    if (!profiles.has(r)) profiles.set(r, ringProfile(r / 4, 0.75 * dense));
    const cx = Math.round(16 * (xy[2 * rows[k]] * scale + dx));
    const cy = Math.round(16 * (xy[2 * rows[k] + 1] * scale + dy));
    ringStamp(colour, width, height, cx, cy, profiles.get(r), ink, opacity ? opacity(rows[k]) : 1);
  }
}

/**
 * What a ring shows at a distance from its middle, by the eighth of the distance's square: share of the line's colour,
 * the rest being white, and alpha, both up to 255, as one number.
 * @param {number} r @param {number} half of the line's width
 */
function ringProfile(r, half) {
  const reach = r + half + 0.5;
  return new Uint16Array(Math.ceil(8 * reach * reach)).map((_, i) => {
    const d = Math.sqrt((i + 0.5) / 8);
    return (Math.round(255 * clamped(0.5 + half - Math.abs(d - r))) << 8) | Math.round(255 * clamped(0.5 + r + half - d));
  });
}

/** @param {Int32Array} colour @param {number} width @param {number} height @param {number} cx in 16ths of a pixel @param {number} cy @param {Uint16Array} profile @param {number} ink @param {number} strength */
function ringStamp(colour, width, height, cx, cy, profile, ink, strength) {
  const reach = Math.ceil(Math.sqrt(2 * profile.length) * 4);
  const top = Math.max(0, (cy - reach) >> 4);
  const bottom = Math.min(height - 1, (cy + reach) >> 4);
  const left = Math.max(0, (cx - reach) >> 4);
  const right = Math.min(width - 1, (cx + reach) >> 4);
  for (let y = top; y <= bottom; y++) {
    const v = (16 * y - cy) * (16 * y - cy);
    for (let x = left; x <= right; x++) {
      const i = ((16 * x - cx) * (16 * x - cx) + v) >> 5;
      if (i >= profile.length) continue;
      const alpha = profile[i] & 255;
      const at = y * width + x;
      colour[at] = over(colour[at], ink, profile[i] >> 8, strength === 1 ? alpha : Math.round(alpha * strength));
    }
  }
}

/** @param {number} value */
function clamped(value) {
  return value < 0 ? 0 : value > 1 ? 1 : value;
}

/**
 * Lay a mixture of white and a colour over what a pixel holds.
 * @param {number} under @param {number} full the colour @param {number} share of the colour, up to 255, the rest is white
 * @param {number} alpha up to 255
 */
function over(under, full, share, alpha) {
  if (alpha === 0) return under;
  const mine = 255 * alpha;
  const old = (under >>> 24) * (255 - alpha);
  const all = mine + old;
  const white = 255 * (255 - share);
  let out = Math.round(all / 255) << 24;
  for (let shift = 0; shift < 24; shift += 8) {
    const channel = ((white + share * ((full >>> shift) & 255)) / 255) | 0;
    out |= ((mine * channel + old * ((under >>> shift) & 255)) / all + 0.5) << shift;
  }
  return out;
}

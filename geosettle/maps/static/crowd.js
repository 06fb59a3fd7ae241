// @ts-check
/*
 * Thousands of flows and symbols, pixel by pixel: a canvas takes ten times as long for a path of its own for each.
 * What follows one another is laid on one sheet of pixels, which goes onto the canvas in one piece. The innermost loops
 * reckon in whole numbers: the first picture is drawn before the browser has compiled them, and until then every
 * fraction costs it a new object.
 */

/** From how many flows or symbols in view on they are drawn this way. */
const CROWD = 3000;
/** Whether the study is so large that the first picture goes before all else. */
const CROWDED_STUDY = sites.n > CROWD || flows.n > CROWD || origins.n > CROWD;
/** Kinds of elements that may be drawn this way; before any other, the pixels laid so far go onto the canvas. */
const CROWDED = new Set(['flows', 'origins', 'sites']);

/** The last sheet of pixels, kept to be used again. @type {ImageData | null} */
let lastImage = null;

/** Room around the canvas and around all positions, so that every symbol that reaches into view is whole; pixels of the page. */
const ROOM = 24;

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
  const left = Math.floor(dense * (Math.max(-ROOM, extent[0] * sheet.scale + sheet.dx) - ROOM));
  const top = Math.floor(dense * (Math.max(-ROOM, extent[1] * sheet.scale + sheet.dy) - ROOM));
  const right = Math.ceil(dense * (Math.min(sheet.width + ROOM, extent[2] * sheet.scale + sheet.dx) + ROOM));
  const bottom = Math.ceil(dense * (Math.min(sheet.height + ROOM, extent[3] * sheet.scale + sheet.dy) + ROOM));
  const width = Math.max(4, 4 * Math.ceil((right - left) / 4)); // whole quadruples, see `shade`
  const height = Math.max(1, bottom - top);
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

/** A colour "#rrggbb" as the canvas stores it, without alpha. @param {string} colour */
function storedColour(colour) {
  const [r, g, b] = [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));
  return (b << 16) | (g << 8) | r;
}

/**
 * Flows as strands of which each adds, pixel by pixel, how much of it it covers. Where strands of opacity a cover a
 * pixel d times, it shows 1 - (1 - a) ** d of their colour: what drawing one over the other comes to, in whatever order.
 * @param {Sheet} sheet @param {Set<number> | null} but flows that are left out @param {string} colour @param {number} opacity
 * @returns {number} how many flows have a place at all
 */
function drawStrands(sheet, but, colour, opacity) {
  putPixels(sheet);
  const pixels = pixelsOf(sheet); // empty, so that coverage can be laid where the colour will be
  const shown = allShown() ? null : flowShown;
  const placed = layStrands(pixels, !showsAll(sheet), shown, but, flowOrigin, flowSite, originXY, siteXY, flowHouseholds);
  shade(pixels.colour, storedColour(colour), opacity);
  return placed;
}

/**
 * The loop over flows, by itself and with all it needs: the browser compiles it while it runs, and whatever else stood in
 * the same function would be compiled with it.
 * @param {Pixels} pixels @param {boolean} clip @param {((i: number) => boolean) | null} shown null: all are @param {Set<number> | null} but
 * @param {Int32Array} origin @param {Int32Array} site @param {Float64Array} from @param {Float64Array} to @param {Float64Array} households
 */
function layStrands({ colour: cover, width, height, dense, scale, dx, dy }, clip, shown, but, origin, site, from, to, households) {
  const taper = STYLE.flowTaper;
  const short = 2 * dense;
  const double = 2 * BEND;
  const least = dense * flowWidth(null);
  const perHousehold = (dense * flowWidth(mostPerFlow)) / mostPerFlow;
  let placed = 0;
  for (let i = 0; i < origin.length; i++) {
    const o = 2 * origin[i];
    const s = 2 * site[i];
    const ux = (to[s] - from[o]) * scale;
    const uy = (to[s + 1] - from[o + 1]) * scale;
    if (ux !== ux || (shown !== null && !shown(i))) continue; // NaN: an end is unknown
    placed++;
    if (but !== null && but.has(i)) continue;
    // A flow shorter than its symbols are wide cannot be seen under them.
    if (ux < short && ux > -short && uy < short && uy > -short) continue;
    const ax = from[o] * scale + dx;
    const ay = from[o + 1] * scale + dy;
    let wide = households[i] * perHousehold;
    if (!(wide > least)) wide = least; // unknown households too, as `flowWidth` has it
    // Up to two pixels one strand will do: it is darker instead of wider.
    if (wide <= 2) strand(cover, width, height, clip, ax, ay, ux, uy, double * uy, -double * ux, taper * wide, wide);
    else strandsBeside(cover, width, height, clip, ax, ay, ux, uy, wide);
  }
  return placed;
}

/** From coverage to the colour's alpha, in steps of 1/32. @param {Int32Array} cover @param {number} ink without alpha @param {number} opacity */
function shade(cover, ink, opacity) {
  const shades = new Int32Array(1024);
  for (let i = 1; i < shades.length; i++) shades[i] = (Math.round(255 * (1 - (1 - opacity) ** (i / 32))) << 24) | ink;
  for (let i = 0; i < cover.length; i += 4) {
    if ((cover[i] | cover[i + 1] | cover[i + 2] | cover[i + 3]) === 0) continue; // most of a map is bare
    for (let j = i; j < i + 4; j++) cover[j] = shades[cover[j] < 32 * FULL - 128 ? (cover[j] + 64) >> 7 : 1023];
  }
}

/**
 * A flow wider than two pixels: several strands next to each other, which spread towards the site as `traceFlow` has it.
 * @param {Int32Array} cover @param {number} width @param {number} height @param {boolean} clip
 * @param {number} ax @param {number} ay @param {number} ux @param {number} uy @param {number} wide
 */
function strandsBeside(cover, width, height, clip, ax, ay, ux, uy, wide) {
  const qx = 2 * BEND * uy;
  const qy = -2 * BEND * ux;
  // Across the way at both ends, as long as the flow is wide there: it leaves along u - q and arrives along u + q.
  const across = wide / Math.hypot(ux + qx, uy + qy);
  const n = Math.ceil(wide);
  for (let k = 0; k < n; k++) {
    const off = ((k + 0.5) / n - 0.5) * across;
    const nax = -(uy - qy) * off * STYLE.flowTaper;
    const nay = (ux - qx) * off * STYLE.flowTaper;
    const nbx = -(uy + qy) * off;
    const nby = (ux + qx) * off;
    strand(cover, width, height, clip, ax + nax, ay + nay, ux + nbx - nax, uy + nby - nay, qx, qy, (STYLE.flowTaper * wide) / n, wide / n);
  }
}

/** A pixel that is wholly covered, in `cover`. */
const FULL = 4096;

/** Longest strand that is walked in one go, pixels: the roundings of its steps add up to a quarter of a pixel at most. */
const LONGEST = 256;

/**
 * One strand, the parabola a + (u - q) t + q t², t from 0 to 1, walked in steps of about a pixel; each leaves what it covers
 * on the four pixels around it. Positions are in pixels from the middle of the first one.
 * @param {Int32Array} cover @param {number} width @param {number} height @param {boolean} clip whether it may leave the sheet
 * @param {number} ax @param {number} ay @param {number} ux @param {number} uy @param {number} qx @param {number} qy
 * @param {number} from width at a, pixels @param {number} to width at the other end
 */
function strand(cover, width, height, clip, ax, ay, ux, uy, qx, qy, from, to) {
  if (clip) {
    // It swings out by no more than a quarter of q.
    const left = (ux < 0 ? ax + ux : ax) - Math.abs(qx) / 4;
    const top = (uy < 0 ? ay + uy : ay) - Math.abs(qy) / 4;
    const right = left + Math.abs(ux) + Math.abs(qx) / 2;
    const bottom = top + Math.abs(uy) + Math.abs(qy) / 2;
    if (right < 0 || bottom < 0 || left > width || top > height) return;
    clip = left < 0 || top < 0 || right >= width - 1 || bottom >= height - 1;
  }
  const length = 1.02 * Math.sqrt(ux * ux + uy * uy); // of the arc, bent as flows are
  if (length > LONGEST) {
    const [hx, hy] = [(ux - qx / 2) / 2, (uy - qy / 2) / 2];
    strand(cover, width, height, clip, ax, ay, hx, hy, qx / 4, qy / 4, from, (from + to) / 2);
    strand(cover, width, height, clip, ax + hx, ay + hy, ux - hx, uy - hy, qx / 4, qy / 4, (from + to) / 2, to);
    return;
  }
  const right = width - 1;
  const bottom = height - 1;
  // From here on in whole 65536ths of a pixel and whole shares of FULL. The second differences of a parabola are constant.
  const steps = Math.ceil(length) | 0 || 1;
  const h = 65536 / steps;
  const curveX = Math.round((2 * qx * h) / steps) | 0; // never -0, which is no whole number to the browser
  const curveY = Math.round((2 * qy * h) / steps) | 0;
  let stepX = ((ux - qx) * h + curveX) | 0;
  let stepY = ((uy - qy) * h + curveY) | 0;
  let x = (65536 * ax + (stepX - 0.75 * curveX) / 2) | 0;
  let y = (65536 * ay + (stepY - 0.75 * curveY) / 2) | 0;
  const each = (FULL * length) / steps;
  const grow = ((each * (to - from)) / steps) | 0;
  let amount = (each * from + grow / 2) | 0;
  for (let j = 0; j < steps; j++) {
    const left = x >> 16;
    const top = y >> 16;
    if (!clip || (left >= 0 && top >= 0 && left < right && top < bottom)) {
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
 * A symbol as stamps: what it shows at some pixels around its middle.
 * @typedef {Object} Stamp
 * @property {Int32Array} at where they are, counted from the pixel of its middle
 * @property {Int32Array} ink what they show, as the canvas stores it
 */

/**
 * What a symbol shows at a distance from its middle, both in pixels of the screen: share of the symbol's colour, the rest
 * being white, up to 255, and 256 times alpha, up to 255. A diamond has a white rim; a ring is a white disc with a line
 * around it.
 * @param {boolean} ring @param {number} dx @param {number} dy @param {number} r @param {number} dense
 */
function symbolAt(ring, dx, dy, r, dense) {
  if (ring) {
    const half = 0.75 * dense;
    const beyond = Math.sqrt(dx * dx + dy * dy) - r;
    return (share(0.5 + half - beyond) << 8) | share(0.5 + half - Math.abs(beyond));
  }
  const beyond = Math.abs(dx) + Math.abs(dy) - r; // an edge lies 0.71 of the difference of half diagonals away
  return beyond > 1.2 * dense ? 0 : 0xff00 | share(0.5 - 0.71 * beyond);
}

/** A share from 0 to 1, and no less or more, as a whole number up to 255. @param {number} value */
function share(value) {
  return value <= 0 ? 0 : value >= 1 ? 255 : Math.round(255 * value);
}

/**
 * Symbols, each laid as a stamp that is made once for its look, its size and the half of a pixel on which its middle lies.
 * @param {Sheet} sheet
 * @param {{ring: boolean, rows: Int32Array, xy: Float64Array, sizes: Sizes, values: Float64Array, grow: number,
 *   looks: {ink: number, strength: number}[], look: ((row: number) => number) | null, shown: ((row: number) => boolean) | null}} symbols
 *   `rows` in the order of drawing; radius is `grow` times what `sizes` makes of `values`; `look` gives the number of a look,
 *   null: all have the first; `shown` null: all are
 * @returns {number} how many have a place at all
 */
function drawStamps(sheet, { ring, rows, xy, sizes, values, grow, looks, look, shown }) {
  const { width, height, dense, scale, dx, dy, colour } = pixelsOf(sheet);
  const near = ROOM * dense;
  const right = width - near;
  const bottom = height - near;
  const quarters = 4 * dense * grow;
  /** @type {Stamp[]} */
  const made = [];
  let placed = 0;
  for (let k = 0; k < rows.length; k++) {
    const row = rows[k];
    const x = xy[2 * row] * scale + dx;
    const y = xy[2 * row + 1] * scale + dy;
    if (x !== x || (shown && !shown(row))) continue; // NaN: unknown
    placed++;
    if (x < near || y < near || x > right || y > bottom) continue;
    const x2 = Math.round(2 * x);
    const y2 = Math.round(2 * y);
    const r4 = Math.round(quarters * sized(sizes, values[row]));
    const n = look ? look(row) : 0;
    const key = ((r4 * looks.length + n) << 2) | ((y2 & 1) << 1) | (x2 & 1);
    const stamp = (made[key] ??= makeStamp(ring, r4 / 4, (x2 & 1) / 2, (y2 & 1) / 2, dense, width, looks[n]));
    lay(colour, (y2 >> 1) * width + (x2 >> 1), stamp.at, stamp.ink);
  }
  return placed;
}

/** @param {boolean} ring @param {number} r @param {number} x of the middle @param {number} y @param {number} dense @param {number} width of the sheet @param {{ink: number, strength: number}} look @returns {Stamp} */
function makeStamp(ring, r, x, y, dense, width, { ink, strength }) {
  const reach = Math.ceil(r + 1.25 * dense);
  const size = 2 * reach + 1;
  const at = new Int32Array(size * size);
  const inks = new Int32Array(size * size);
  let n = 0;
  for (let j = -reach; j <= reach; j++) {
    for (let i = -reach; i <= reach; i++) {
      const seen = symbolAt(ring, i - x, j - y, r, dense);
      if (seen < 256) continue;
      const part = seen & 255;
      const colour = part === 0 ? WHITE : part === 255 ? ink : over(OPAQUE | WHITE, (part << 24) | ink) & WHITE;
      at[n] = j * width + i;
      inks[n++] = (Math.round((seen >> 8) * strength) << 24) | colour;
    }
  }
  return { at: at.subarray(0, n), ink: inks.subarray(0, n) };
}

const WHITE = 0xffffff;
const OPAQUE = 255 << 24;

/** Lay a stamp. @param {Int32Array} colour @param {number} middle @param {Int32Array} at @param {Int32Array} ink */
function lay(colour, middle, at, ink) {
  for (let j = 0; j < at.length; j++) {
    const p = middle + at[j];
    const c = ink[j];
    colour[p] = c >> 24 === -1 || colour[p] === 0 ? c : over(colour[p], c);
  }
}

/** What one sees of a colour through another. @param {number} under @param {number} top @returns {number} */
function over(under, top) {
  const mine = 255 * (top >>> 24);
  const all = mine + (under >>> 24) * (255 - (top >>> 24));
  const part = Math.round((256 * mine) / all);
  const blue = (under >>> 16) & 255;
  const green = (under >>> 8) & 255;
  const red = under & 255;
  return (Math.round(all / 255) << 24)
    | ((blue + ((((top >>> 16) & 255) - blue) * part + 128 >> 8)) << 16)
    | ((green + ((((top >>> 8) & 255) - green) * part + 128 >> 8)) << 8)
    | (red + (((top & 255) - red) * part + 128 >> 8));
}

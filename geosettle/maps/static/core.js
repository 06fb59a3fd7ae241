// @ts-check
/*
 * The map of one study. All files of this script are joined into one function; they share the names below.
 *
 * Rules that keep it safe: the data are read from one JSON block; text from the data reaches the page only through
 * `textContent` (by `el` and `svg`) or as pixels of a canvas; nothing is evaluated, fetched or stored.
 */

/** Everything Python wrote about the study. */
const DATA = JSON.parse(/** @type {HTMLElement} */ (document.getElementById('gs-data')).textContent || '{}');

/** What is chosen before the reader chooses. `selected` is null or {kind: 'site' | 'origin', row}. */
function choices() {
  return {
    lang: DATA.lang,
    hidden: new Set(DATA.elements.filter((e) => !e.shown || (DATA.basemap && e.name === 'relief')).map((e) => e.name)),
    selected: /** @type {null | {kind: string, row: number}} */ (null),
    year: Infinity,
    indicator: '',
    parcels: 'kind',
    area: '',
    compare: '',
    opacity: 0.7,
    filter: '',
    level: DATA.units?.first ?? '',
    fill: '',
    unit: -1,
    way: -1,
    flows: 'units',
  };
}

/** What the reader has chosen. */
const state = choices();

/** The reader's language: its name, tag, plural rules and texts; see geosettle/words. */
function language() {
  return DATA.languages[state.lang];
}

/**
 * A text of the interface in the reader's language, its blanks filled; `n` chooses the plural form.
 * @param {string} key @param {Object<string, string | number>} [values]
 */
function word(key, values) {
  const forms = language().words[key] ?? key;
  const text = typeof forms === 'string' ? forms : forms[pluralCategory(language().plural, Number(values?.n))] ?? forms.other;
  return text.replace(/\{(\w+)\}/g, (blank, name) => {
    const value = own(values || {}, name);
    return typeof value === 'number' ? figure(value, Number.isInteger(value) ? 0 : undefined) : String(value ?? blank);
  });
}

/** Plural category of a whole number by CLDR rules, as `plural_category` in Python. @param {Object<string, string>} rules @param {number} n */
function pluralCategory(rules, n) {
  const holds = (relation) => {
    const [, operand, modulus, sign, ends] = /^(\w)(?: % (\d+))? (!?=) (.+)$/.exec(relation) || [];
    const whole = operand === 'n' || operand === 'i' ? Math.abs(n) : 0;
    const value = modulus ? whole % Number(modulus) : whole;
    const within = ends.split(',').some((range) => {
      const [low, high] = range.split('..').map(Number);
      return low <= value && value <= (high ?? low);
    });
    return within === (sign === '=');
  };
  const found = Object.entries(rules).find(([, rule]) => rule.split(' or ').some((either) => either.split(' and ').every(holds)));
  return found ? found[0] : 'other';
}

/** A text that Python gives either plain or once per language. @param {any} text */
function say(text) {
  return text && typeof text === 'object' ? text[state.lang] : String(text ?? '');
}

/** A value the data themselves gave an object, never one that every object has, such as "constructor". @param {any} object @param {string} key */
function own(object, key) {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/**
 * An HTML element. Children that are not nodes become text; attributes starting with "on" become listeners.
 * @param {string} tag @param {Object<string, any>} [attributes] @param {...any} children
 * @returns {any}
 */
function el(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes || {}, children);
}

/** The same for SVG. @param {string} tag @param {Object<string, any>} [attributes] @param {...any} children */
function svg(tag, attributes, ...children) {
  return fill(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes || {}, children);
}

/** @param {any} node @param {Object<string, any>} attributes @param {any[]} children */
function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (name === 'style') Object.assign(node.style, value);
    else node.setAttribute(name, value === true ? '' : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined) continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return node;
}

/** A name from the data, isolated so that its direction disturbs nothing around it. @param {any} text */
function isolated(text) {
  return el('bdi', { dir: 'auto' }, text);
}

/** As `digits` of `figure`: shares, scores and counts, of which the second decimal still says something. */
const FINE = -1;

/** A number as the reader's language writes it; a dash where there is none. @param {any} number @param {number} [digits] */
function figure(number, digits) {
  if (number === null || number === undefined || Number.isNaN(number)) return '—';
  const size = Math.abs(number);
  const places = digits === FINE && size < 1 ? 2 : digits === undefined || digits === FINE ? Number(number !== 0 && size < 10) : digits;
  // Written by hand: the browser's own formatter takes longer for a table than all else in it.
  const written = size.toFixed(places);
  const [whole, part] = (digits === FINE || Number(written) === 0 ? String(Number(written)) : written).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return `${number < 0 && Number(written) !== 0 ? '\u2212' : ''}${grouped}${part ? `.${part}` : ''}`;
}

/** A unit in the reader's language; one that the data brought stays as it is. @param {string} unit */
function unitWords(unit) {
  const text = word(`unit_${unit}`);
  return text === `unit_${unit}` ? unit : text;
}

/** "low to high", or nothing where there is no interval that these digits could show. @param {any} low @param {any} high @param {number} [digits] */
function interval(low, high, digits) {
  if (low === null || high === null || low === undefined || high === undefined) return '';
  const ends = { low: figure(low, digits), high: figure(high, digits) };
  return ends.low === ends.high ? '' : word('interval', ends);
}

/* ---- reading packed data: see maps/_pack.py ---- */

/** Bytes of base-64 text. @param {string} text @returns {Uint8Array} */
function bytesOf(text) {
  if ('fromBase64' in Uint8Array) return /** @type {any} */ (Uint8Array).fromBase64(text);
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes;
}

/** Whole numbers from base-64 text. @param {string} text @param {boolean} [delta] @returns {Float64Array} */
function unpack(text, delta) {
  const bytes = bytesOf(text);
  const out = new Float64Array(bytes.length);
  let n = 0;
  let sum = 0;
  for (let i = 0; i < bytes.length;) {
    let byte = bytes[i++];
    let value = byte & 127;
    for (let weight = 128; byte > 127; weight *= 128) {
      byte = bytes[i++];
      value += (byte & 127) * weight;
    }
    const signed = value < 0x40000000 ? (value >>> 1) ^ -(value & 1) : value % 2 ? -(value + 1) / 2 : value / 2;
    sum = delta ? sum + signed : signed;
    out[n++] = sum;
  }
  return out.subarray(0, n);
}

/**
 * A table whose columns are read when first asked for.
 * @param {{n: number, columns: Object<string, any>}} packed
 */
function makeTable(packed) {
  const read = new Map();
  const inNumbers = new Map();
  return {
    n: packed.n,
    /** @param {string} key */
    has: (key) => Object.hasOwn(packed.columns, key),
    /** All values of a column; null where missing. @param {string} key @returns {any} */
    column(key) {
      if (!read.has(key)) read.set(key, Object.hasOwn(packed.columns, key) ? readColumn(packed.columns[key]) : new Array(packed.n).fill(null));
      return read.get(key);
    },
    /** A column of numbers, to be drawn from; NaN where there is none. @param {string} key @returns {Float64Array} */
    numbers(key) {
      if (!inNumbers.has(key)) inNumbers.set(key, own(packed.columns, key)?.q ? readNumbers(packed.columns[key]) : new Float64Array(packed.n).fill(NaN));
      return inNumbers.get(key);
    },
    /** A column of rows of another table; each has one. @param {string} key @returns {Int32Array} */
    rows(key) {
      if (!inNumbers.has(key)) inNumbers.set(key, Object.hasOwn(packed.columns, key) ? readRows(packed.columns[key]) : new Int32Array(0));
      return inNumbers.get(key);
    },
    /** One value. @param {string} key @param {number} row */
    value(key, row) {
      return this.column(key)[row];
    },
  };
}

/** Whole numbers of a column, all of one width or of varying lengths. @param {any} packed @returns {ArrayLike<number>} */
function readWhole(packed) {
  if (!packed.w) return unpack(packed.d, packed.delta);
  const { buffer } = bytesOf(packed.d); // little-endian, as all machines are that run browsers
  return packed.w === 1 ? new Int8Array(buffer) : packed.w === 2 ? new Int16Array(buffer) : new Int32Array(buffer);
}

/** @param {any} packed @returns {Float64Array} */
function readNumbers(packed) {
  const whole = readWhole(packed);
  const out = new Float64Array(whole.length);
  const { q } = packed;
  for (let i = 0; i < out.length; i++) {
    const v = whole[i];
    out[i] = v > 0 ? (v - 1) / q : v < 0 ? v / q : NaN;
  }
  return out;
}

/** @param {any} packed @returns {Int32Array} */
function readRows(packed) {
  return new Int32Array(readWhole(packed));
}

/** @param {any} packed @returns {any[]} */
function readColumn(packed) {
  if (packed.v) return packed.v;
  if (packed.s) return packed.j.split(packed.s);
  const whole = readWhole(packed);
  if (packed.r) return Array.from(whole);
  const { k, q } = packed;
  const out = new Array(whole.length);
  for (let i = 0; i < out.length; i++) {
    const v = whole[i];
    out[i] = v === 0 ? null : k ? k[v - 1] : (v > 0 ? v - 1 : v) / q;
  }
  return out;
}

/** A study across the antimeridian is drawn in one piece: longitudes west of this one lie a turn further east. */
const WRAP = DATA.wrap ?? -Infinity;

/** @param {number} lon */
function wrapped(lon) {
  return lon < WRAP ? lon + 360 : lon;
}

/** Longitude within -180 to 180, to be read. @param {number} lon */
function meridian(lon) {
  return ((((lon + 180) % 360) + 360) % 360) - 180;
}

/** Web Mercator in the unit square, as Leaflet's tiles count it. @param {number} lon */
function mercatorX(lon) {
  return wrapped(lon) / 360 + 0.5;
}

/** @param {number} lat */
function mercatorY(lat) {
  const sin = Math.sin((Math.max(-85, Math.min(85, lat)) * Math.PI) / 180);
  return 0.5 - Math.atanh(sin) / (2 * Math.PI);
}

/**
 * Outlines as features of rings of Web Mercator coordinates, each feature with its box.
 * @param {any} packed
 */
function readOutlines(packed) {
  const rings = unpack(packed.rings);
  const points = unpack(packed.points);
  const xs = unpack(packed.x, true);
  const ys = unpack(packed.y, true);
  const features = [];
  let ring = 0;
  let at = 0;
  for (let f = 0; f < rings.length; f++) {
    const feature = { rings: /** @type {Float64Array[]} */ ([]), box: [Infinity, Infinity, -Infinity, -Infinity] };
    for (let r = 0; r < rings[f]; r++) {
      const n = points[ring++];
      const xy = new Float64Array(2 * n);
      for (let i = 0; i < n; i++, at++) {
        const x = mercatorX(xs[at] / packed.q);
        const y = mercatorY(ys[at] / packed.q);
        xy[2 * i] = x;
        xy[2 * i + 1] = y;
        if (x < feature.box[0]) feature.box[0] = x;
        if (y < feature.box[1]) feature.box[1] = y;
        if (x > feature.box[2]) feature.box[2] = x;
        if (y > feature.box[3]) feature.box[3] = y;
      }
      feature.rings.push(xy);
    }
    features.push(feature);
  }
  return features;
}

/* ---- the ellipsoid ---- */

const WGS84_A = 6378137;
const WGS84_F = 1 / 298.257223563;

/**
 * Where one arrives going straight from a point: Vincenty's direct formula, good to a millimetre.
 * @param {number} lon @param {number} lat @param {number} azimuth degrees @param {number} metres
 * @returns {[number, number]} longitude, latitude
 */
function destination(lon, lat, azimuth, metres) {
  const b = WGS84_A * (1 - WGS84_F);
  const alpha = (azimuth * Math.PI) / 180;
  const tanU = (1 - WGS84_F) * Math.tan((lat * Math.PI) / 180);
  const cosU = 1 / Math.sqrt(1 + tanU * tanU);
  const sinU = tanU * cosU;
  const sigma1 = Math.atan2(tanU, Math.cos(alpha));
  const sinAlpha = cosU * Math.sin(alpha);
  const cos2Alpha = 1 - sinAlpha * sinAlpha;
  const u2 = (cos2Alpha * (WGS84_A * WGS84_A - b * b)) / (b * b);
  const A = 1 + (u2 / 16384) * (4096 + u2 * (-768 + u2 * (320 - 175 * u2)));
  const B = (u2 / 1024) * (256 + u2 * (-128 + u2 * (74 - 47 * u2)));
  let sigma = metres / (b * A);
  let cosM = 0;
  for (let k = 0; k < 20; k++) {
    cosM = Math.cos(2 * sigma1 + sigma);
    const s = Math.sin(sigma);
    const inner = Math.cos(sigma) * (2 * cosM * cosM - 1) - (B / 6) * cosM * (4 * s * s - 3) * (4 * cosM * cosM - 3);
    const next = metres / (b * A) + B * s * (cosM + (B / 4) * inner);
    if (Math.abs(next - sigma) < 1e-12) break;
    sigma = next;
  }
  const s = Math.sin(sigma);
  const c = Math.cos(sigma);
  const t = sinU * s - cosU * c * Math.cos(alpha);
  const lat2 = Math.atan2(sinU * c + cosU * s * Math.cos(alpha), (1 - WGS84_F) * Math.sqrt(sinAlpha * sinAlpha + t * t));
  const lambda = Math.atan2(s * Math.sin(alpha), cosU * c - sinU * s * Math.cos(alpha));
  const C = (WGS84_F / 16) * cos2Alpha * (4 + WGS84_F * (4 - 3 * cos2Alpha));
  const L2 = lambda - (1 - C) * WGS84_F * sinAlpha * (sigma + C * s * (cosM + C * c * (2 * cosM * cosM - 1)));
  return [lon + (L2 * 180) / Math.PI, (lat2 * 180) / Math.PI];
}

/** Ground metres of one pixel, east to west, on the ellipsoid. @param {number} lat @param {number} zoom */
function metresPerPixel(lat, zoom) {
  const phi = (lat * Math.PI) / 180;
  const e2 = WGS84_F * (2 - WGS84_F);
  const radius = (WGS84_A / Math.sqrt(1 - e2 * Math.sin(phi) ** 2)) * Math.cos(phi);
  return (2 * Math.PI * radius) / (256 * 2 ** zoom);
}

/** Column that the size of a symbol counts: households, or persons where only these are known. @param {string} name of the element */
function sizedBy(name) {
  return DATA.elements.find((e) => e.name === name)?.counted ?? 'households';
}

/** What it counts, in words. @param {string} name */
function countWord(name) {
  return word(sizedBy(name));
}

/* ---- the tables every part of the map reads ---- */

const sites = makeTable(DATA.sites);
const origins = makeTable(DATA.origins);
const flows = makeTable(DATA.flows);

/** Results of functions of a name, each computed when first asked for. @template T @param {(kind: 'site' | 'origin') => T} make @returns {{site: T, origin: T}} */
function whenAsked(make) {
  /** @type {any} */
  const known = {};
  return { get site() { return (known.site ??= make('site')); }, get origin() { return (known.origin ??= make('origin')); } };
}

/** Rows of `flows` by site and by origin. @type {{site: number[][], origin: number[][]}} */
const flowsOf = whenAsked((kind) => groupRows(flows.rows(kind), kind === 'site' ? sites.n : origins.n));

/** @param {Int32Array} key @param {number} n @returns {number[][]} */
function groupRows(key, n) {
  const groups = Array.from({ length: n }, () => /** @type {number[]} */ ([]));
  for (let i = 0; i < key.length; i++) groups[key[i]].push(i);
  return groups;
}

/**
 * Web Mercator positions of a table's rows, NaN where unknown. Written out, for it runs but once and so is never compiled
 * well: calls would take longer than the sines.
 * @param {{n: number, columns: Object<string, any>}} packed
 */
function positions(packed) {
  const lon = readWhole(packed.columns.lon);
  const lat = readWhole(packed.columns.lat);
  const perLon = 1 / (360 * packed.columns.lon.q);
  const perLat = Math.PI / (180 * packed.columns.lat.q);
  const highest = 85 * packed.columns.lat.q;
  const seam = WRAP / 360 + 0.5;
  const xy = new Float64Array(2 * packed.n).fill(NaN);
  for (let i = 0; i < packed.n; i++) {
    const u = lon[i];
    let v = lat[i];
    if (u === 0 || v === 0) continue; // missing
    const x = (u > 0 ? u - 1 : u) * perLon + 0.5;
    xy[2 * i] = x < seam ? x + 1 : x;
    v = v > 0 ? v - 1 : v;
    xy[2 * i + 1] = 0.5 - Math.atanh(Math.sin((v > highest ? highest : v < -highest ? -highest : v) * perLat)) / (2 * Math.PI);
  }
  return xy;
}

const siteXY = positions(DATA.sites);
const originXY = positions(DATA.origins);

/** Name of a row, in the reader's language where the data have it. @param {any} table @param {number} row */
function rowName(table, row) {
  const local = language().local_names ? table.value('name_local', row) : null;
  return local || table.value('name', row) || table.value('id', row);
}

/**
 * Mean distance per site or origin over its located flows: by households where all of these report them, else plain.
 * @param {'site' | 'origin'} kind
 * @returns {(number | null)[]}
 */
function meanDistances(kind) {
  const km = flows.numbers('geodesic_km');
  const households = flows.numbers('households');
  const of = flows.rows(kind);
  const { n } = kind === 'site' ? sites : origins;
  const [count, plain, sum, weight, lacking] = [new Int32Array(n), new Float64Array(n), new Float64Array(n), new Float64Array(n), new Uint8Array(n)];
  for (let i = 0; i < of.length; i++) {
    const row = of[i];
    if (Number.isNaN(km[i])) continue;
    count[row] += 1;
    plain[row] += km[i];
    if (households[i] > 0) {
      sum[row] += km[i] * households[i];
      weight[row] += households[i];
    } else lacking[row] = 1;
  }
  const means = new Array(n);
  for (let row = 0; row < n; row++) means[row] = count[row] === 0 ? null : lacking[row] ? plain[row] / count[row] : sum[row] / weight[row];
  return means;
}

/**
 * Of many rows those that may be among the first by a number, so that not all need be sorted; else all.
 * @param {number[]} rows @param {any[]} value by row @param {boolean} down @param {number} most
 */
function contenders(rows, value, down, most) {
  if (rows.length < 1000) return rows;
  const numbers = new Float64Array(rows.length);
  let n = 0;
  for (const row of rows) {
    if (typeof value[row] === 'number') numbers[n++] = value[row];
    else if (value[row] !== null) return rows;
  }
  if (n <= most) return rows;
  const ordered = numbers.subarray(0, n).sort();
  const limit = down ? ordered[n - most] : ordered[most - 1];
  return rows.filter((row) => value[row] !== null && (down ? value[row] >= limit : value[row] <= limit));
}

const meanKm = whenAsked(meanDistances);

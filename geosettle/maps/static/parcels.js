// @ts-check
/* Land development by kind or by year. Parts that carry `years` or `names` are parcels; see maps/elements.py. */

const UNDATED = '#C9C9C4';

/** The element of land development, or null if none of its parcels is dated. */
function datedParcels() {
  const element = DATA.elements.find((e) => e.name === 'development');
  return element?.parts.some((p) => p.years) ? element : null;
}

/** @type {null | {tops: number[], labels: string[]}} */
let yearClasses = null;

/** At most four classes of years, each of about as many parcels. */
function parcelYears() {
  if (!yearClasses) {
    const years = datedParcels().parts.flatMap((p) => (p.years ? readColumn(p.years).filter((y) => y !== null) : [])).sort((a, b) => a - b);
    const { tops } = equalClasses(years, STYLE.parcelYears.length);
    const labels = tops.map((top, k) => {
      const low = years.find((y) => k === 0 || y > tops[k - 1]);
      return low === top ? String(top) : `${low}–${top}`;
    });
    yearClasses = { tops, labels };
  }
  return yearClasses;
}

/** Colour of a class of years: few classes take the ends of the scale. @param {number} k */
function yearColour(k) {
  const n = parcelYears().tops.length;
  const colours = STYLE.parcelYears;
  return colours[n < 2 ? colours.length - 2 : Math.round((k * (colours.length - 1)) / (n - 1))];
}

/** Colour of each parcel of a part while they are coloured by year, else null. @param {any} part @returns {string[] | null} */
function parcelInks(part) {
  if (state.parcels !== 'year' || !part.names || !datedParcels()) return null;
  part.inks ??= part.features.map((_, i) => {
    const year = part.year ? part.year[i] : null;
    return year === null ? UNDATED : yearColour(parcelYears().tops.findIndex((top) => year <= top));
  });
  return part.inks;
}

/** @type {Map<string, CanvasPattern>} */
const hatches = new Map();

/** What fills a parcel: a colour, or lines of it where the place is illustrative. @param {CanvasRenderingContext2D} ctx @param {any} style @param {string} colour */
function parcelFill(ctx, style, colour) {
  if (!style.hatch) return colour;
  if (!hatches.has(colour)) hatches.set(colour, hatch(ctx, colour));
  return /** @type {CanvasPattern} */ (hatches.get(colour));
}

/** Rows of the legend while the parcels are coloured by year. @param {any} element */
function parcelRows(element) {
  const box = (colour, hatched) => symbol((ctx) => boxOrLine(ctx, { fill: colour, stroke: '#3B3B3B', width: 0.7, hatch: hatched }));
  const { labels } = parcelYears();
  const undated = element.parts.some((p) => !p.years || readColumn(p.years).includes(null));
  const rows = [...labels.map((text, k) => [yearColour(k), word('parcels_years', { years: text })]), ...(undated ? [[UNDATED, word('parcels_undated')]] : [])];
  const hatched = element.parts.some((p) => p.style.hatch);
  return [
    ...rows.map(([colour, text], k) => (k ? el('li', { class: 'gs-more' }, box(colour, false), el('span', {}, text))
      : el('li', {}, el('label', {}, layerSwitch(element), box(colour, false), el('span', {}, text))))),
    ...(hatched ? [el('li', { class: 'gs-more' }, box('#8A6A1C', true), el('span', {}, word('parcels_hatched')))] : []),
  ];
}

/** Choice of what colours the land development; only where parcels are dated. */
function parcelChoice() {
  if (!datedParcels()) return null;
  const options = [['kind', word('parcels_kind')], ['year', word('parcels_year')]];
  return chooser('gs-parcels', word('parcels_by'), options, state.parcels, (value) => {
    state.parcels = value;
    fillLegend();
    sheets.repaint();
    writeHash();
  });
}

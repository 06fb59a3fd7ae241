// @ts-check
/*
 * Only in maps to which the user added folium layers. folium wraps the HTML of its popups in jQuery's `$`; this is all
 * it needs of it. The HTML is the user's own, as folium documents; the page's policy lets no script in it run.
 */
/** @type {any} */ (window).$ = (/** @type {any} */ input) => {
  if (input === document) return { ready: (/** @type {() => void} */ action) => action() };
  return [...new DOMParser().parseFromString(String(input), 'text/html').body.childNodes].filter((n) => n.nodeType === Node.ELEMENT_NODE);
};

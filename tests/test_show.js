// Writes what each framed page looks like into the body, as JSON: see test_show.py.

const read = c => {
  const n = c.match(/[\d.]+/g).map(Number).slice(0, 3);
  return c.startsWith("color") ? n : n.map(x => x / 255);
};
const light = c => {
  const l = read(c).map(x => x <= .04045 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4);
  return .2126 * l[0] + .7152 * l[1] + .0722 * l[2];
};
const contrast = (a, b) => {
  const [low, high] = [light(a), light(b)].sort((x, y) => x - y);
  return (high + .05) / (low + .05);
};
const ground = (e, see) => {
  const c = see(e).backgroundColor;
  return c.endsWith(", 0)") ? ground(e.parentElement, see) : c;
};
onload = () => document.body.textContent = JSON.stringify(
  [...document.querySelectorAll("iframe")].map(frame => {
    const page = frame.contentDocument, box = e => e.getBoundingClientRect();
    const see = e => frame.contentWindow.getComputedStyle(e);
    const all = selector => [...page.querySelectorAll(selector)];
    const written = all("h1, h2, p, dt, dd, figcaption, .who, .said span, a, code, td, dd span");
    page.querySelector("details").open = true;
    const [first] = all("section aside"), [chosen] = all("section .part");
    return {
      width: frame.contentWindow.innerWidth,
      needs: page.documentElement.scrollWidth,
      ground: light(see(page.body).backgroundColor),
      contrast: Math.min(...written.map(e => contrast(see(e).color, ground(e, see)))),
      colours: all(".above, .below, .zero, .bad").map(e => see(e).backgroundColor),
      beside: box(first).left >= box(chosen).right,
      under: box(first).top >= box(all("section .environment")[0]).bottom,
      title: page.title,
      scripts: page.scripts.length,
      loaded: frame.contentWindow.performance.getEntriesByType("resource").length,
    };
  }));

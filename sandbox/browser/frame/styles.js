// Styles come from the merchant page, so only known properties and plain selectors are taken.
// They go through the CSS object model: nothing a page sends is ever parsed as a style sheet.

const VENDOR = ["-moz-", "-webkit-"];
const VENDOR_PROPERTIES = ["appearance", "box-shadow", "tap-highlight-color", "transition"];
const PROPERTIES = new Set([
  ...VENDOR.flatMap((vendor) => VENDOR_PROPERTIES.map((property) => vendor + property)),
  "-moz-osx-font-smoothing",
  "-webkit-font-smoothing",
  "-webkit-text-fill-color",
  ...VENDOR_PROPERTIES,
  "color",
  "direction",
  "font",
  ...["family", "size", "size-adjust", "stretch", "style", "weight"].map((part) => `font-${part}`),
  "font-variant",
  ...["alternates", "caps", "east-asian", "ligatures", "numeric"].map((p) => `font-variant-${p}`),
  "letter-spacing",
  "line-height",
  "margin",
  "opacity",
  "outline",
  "padding",
  ...["top", "right", "bottom", "left"].flatMap((side) => [`margin-${side}`, `padding-${side}`]),
  "text-align",
  "text-shadow",
]);

const SELECTOR = /^(input|select)?([.#][A-Za-z][\w-]*|::?[a-z-]+)*$/;
const MEDIA = /^@media [\w\s():.,<>=/-]+$/;

export function applyStyles(styles) {
  const sheet = new CSSStyleSheet();
  Object.entries(styles ?? {}).forEach(([selector, content]) => {
    if (!MEDIA.test(selector)) {
      addRule(sheet, selector, content);
      return;
    }
    const media = insert(sheet, `${selector} {}`);
    Object.entries(content).forEach(([inner, properties]) => addRule(media, inner, properties));
  });
  document.adoptedStyleSheets = [sheet];
}

function addRule(owner, selectors, properties) {
  selectors
    .split(",")
    .map((selector) => selector.trim())
    .filter((selector) => selector && SELECTOR.test(selector))
    .forEach((selector) => {
      const rule = insert(owner, `${selector} {}`);
      if (rule) setProperties(rule, properties);
    });
}

function setProperties(rule, properties) {
  Object.entries(properties ?? {}).forEach(([name, value]) => {
    const property = name.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`);
    if (PROPERTIES.has(property)) rule.style.setProperty(property, String(value));
  });
}

function insert(owner, text) {
  try {
    return owner.cssRules[owner.insertRule(text, owner.cssRules.length)];
  } catch {
    return undefined; // another browser's pseudo-element
  }
}

// Making and changing elements. Text is always set as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

/** Give a node attributes; one that is null or false is taken away.
 * @template {Element} Node
 * @param {Node} node @param {Attributes} attributes */
export function setAttributes(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === false) node.removeAttribute(name);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  return node;
}

/** A new HTML element; children are nodes or texts.
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name @param {Attributes} attributes @param {(Node | string)[]} children */
export function element(name, attributes = {}, ...children) {
  const node = setAttributes(document.createElement(name), attributes);
  node.append(...children);
  return node;
}

/** A new SVG element.
 * @template {keyof SVGElementTagNameMap} Name
 * @param {Name} name @param {Attributes} attributes @param {Node[]} children */
export function svg(name, attributes = {}, ...children) {
  const node = setAttributes(document.createElementNS(SVG, name), attributes);
  node.append(...children);
  return node;
}

/** Set a text only if it changes: screen readers and layout are spared what stays.
 * @type {(node: Element, text: string) => void} */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Show or hide an element. @type {(node: HTMLElement, shown: boolean) => void} */
export function setShown(node, shown) {
  if (node.hidden === shown) node.hidden = !shown;
}

/** The element under a node that a selector finds, which must be there and of its kind.
 * @template {Element} Kind
 * @param {ParentNode} node @param {string} selector @param {new () => Kind} kind */
export function find(node, selector, kind) {
  const found = node.querySelector(selector);
  if (!(found instanceof kind)) throw new Error(`The page has no ${selector}.`);
  return found;
}

/** Offer names in a select, by their index.
 * @type {(select: HTMLSelectElement, names: string[], chosen: number) => void} */
export function fillSelect(select, names, chosen) {
  if (select.options.length !== names.length) {
    select.replaceChildren(...names.map((name, index) => element("option", { value: index }, name)));
  }
  select.value = String(chosen);
}

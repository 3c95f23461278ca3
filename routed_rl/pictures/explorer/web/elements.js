// Making and changing elements. Text is always set as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

/** Give a node attributes; one that is null or false is taken away. */
function setAttributes(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === false) node.removeAttribute(name);
    else node.setAttribute(name, value === true ? "" : value);
  }
  return node;
}

/** A new HTML element; children are nodes or texts. */
function element(name, attributes = {}, ...children) {
  const node = setAttributes(document.createElement(name), attributes);
  node.append(...children);
  return node;
}

/** A new SVG element. */
function svg(name, attributes = {}, ...children) {
  const node = setAttributes(document.createElementNS(SVG, name), attributes);
  node.append(...children);
  return node;
}

/** Set a text only if it changes: screen readers and layout are spared what stays. */
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Show or hide an element. */
function setShown(node, shown) {
  if (node.hidden === shown) node.hidden = !shown;
}

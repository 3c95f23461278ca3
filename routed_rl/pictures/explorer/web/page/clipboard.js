// What leaves the page.

/** Put a text on the clipboard; false if the browser does not let us.
 * @type {(text: string, field: HTMLInputElement) => Promise<boolean>} */
export async function copyText(text, field) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    field.select(); // Older ways, and pages that may not use the clipboard.
    return document.execCommand("copy");
  }
}

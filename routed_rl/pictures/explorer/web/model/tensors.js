// A stage's numbers, from the text that holds them.

/** Numbers in base 64 as float32, whatever the machine's order of bytes.
 * @type {(text: string) => Float32Array} */
function decodeNumbers(text) {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let index = 0; index < bytes.length; index++) bytes[index] = letters.charCodeAt(index);
  const view = new DataView(bytes.buffer);
  const numbers = new Float32Array(bytes.length / 4);
  for (let index = 0; index < numbers.length; index++) {
    numbers[index] = view.getFloat32(4 * index, true);
  }
  return numbers;
}

/** The parts of a stage's numbers, by name.
 * @type {(shapes: PolicyRecord["tensors"], text: string) => Tensors} */
export function readTensors(shapes, text) {
  const numbers = decodeNumbers(text);
  const tensors = new Map();
  let start = 0;
  for (const [name, shape] of shapes) {
    const size = shape.reduce((product, length) => product * length, 1);
    tensors.set(name, { shape, values: numbers.subarray(start, start + size) });
    start += size;
  }
  return tensors;
}

/** A part that must be there. @type {(tensors: Tensors, name: string) => Tensor} */
export function tensorNamed(tensors, name) {
  const tensor = tensors.get(name);
  if (!tensor) throw new Error(`The policy has no ${name}.`);
  return tensor;
}

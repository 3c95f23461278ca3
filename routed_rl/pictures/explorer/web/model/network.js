// A policy's network, computed from its weights. They are float32; sums are in float64.

import { tensorNamed } from "./tensors.js";

/** The linear layers whose names begin so, in order.
 * @type {(tensors: Tensors, prefix: string) => Layer[]} */
function layersUnder(tensors, prefix) {
  const layers = [];
  for (const [name, { shape, values }] of tensors) {
    if (!name.startsWith(prefix) || !name.endsWith("weight")) continue;
    const bias = tensorNamed(tensors, name.replace(/weight$/, "bias")).values;
    layers.push({ outputs: shape[0], inputs: shape[1], weight: values, bias });
  }
  return layers;
}

/** The same layer with its weights column by column: an input that is 0 then costs nothing.
 * @type {(layer: Layer) => Columns} */
function byColumns({ outputs, inputs, weight, bias }) {
  const columns = new Float64Array(inputs * outputs);
  for (let output = 0; output < outputs; output++) {
    for (let input = 0; input < inputs; input++) {
      columns[input * outputs + output] = weight[output * inputs + input];
    }
  }
  return { columns, bias };
}

/** Add a column of a layer, times a factor.
 * @type {(sums: Doubles, columns: Doubles, input: number, factor: number) => void} */
function addColumn(sums, columns, input, factor) {
  const start = input * sums.length;
  for (let output = 0; output < sums.length; output++) {
    sums[output] += factor * columns[start + output];
  }
}

/** A layer's sums for an observation that is 1 in the places `seen`, and 0 elsewhere.
 * @type {(layer: Columns, seen: number[]) => Doubles} */
function sumsOfSeen({ columns, bias }, seen) {
  const sums = Float64Array.from(bias);
  for (const input of seen) addColumn(sums, columns, input, 1);
  return sums;
}

/** A layer's sums for any inputs; after a ReLU about half of them are 0.
 * @type {(layer: Columns, values: Doubles) => Doubles} */
function sumsOf({ columns, bias }, values) {
  const sums = Float64Array.from(bias);
  const used = [];
  for (let input = 0; input < values.length; input++) if (values[input] !== 0) used.push(input);
  // Four columns at a time: each sum is read and written once for them, which takes half the time.
  let index = 0;
  for (; index + 4 <= used.length; index += 4) addFourColumns(sums, columns, used, index, values);
  for (; index < used.length; index++) addColumn(sums, columns, used[index], values[used[index]]);
  return sums;
}

/** Add the columns of four of the inputs `used`, from `index` on, times their values.
 * @type {(sums: Doubles, columns: Doubles, used: number[], index: number, values: Doubles) => void} */
function addFourColumns(sums, columns, used, index, values) {
  const count = sums.length;
  const first = used[index] * count;
  const second = used[index + 1] * count;
  const third = used[index + 2] * count;
  const fourth = used[index + 3] * count;
  const one = values[used[index]];
  const two = values[used[index + 1]];
  const three = values[used[index + 2]];
  const four = values[used[index + 3]];
  for (let output = 0; output < count; output++) {
    sums[output] +=
      one * columns[first + output] +
      two * columns[second + output] +
      three * columns[third + output] +
      four * columns[fourth + output];
  }
}

/** A layer of the observation's planes in the place of one that follows a 1 x 1 convolution.
 * @type {(layer: Layer, kernel: Float32Array, kernelBias: Float32Array, planes: number) => Layer} */
function foldConvolution(layer, kernel, kernelBias, planes) {
  const channels = kernelBias.length;
  const cells = layer.inputs / channels;
  const weight = new Float64Array(layer.outputs * planes * cells);
  const bias = Float64Array.from(layer.bias);
  for (let output = 0; output < layer.outputs; output++) {
    for (let channel = 0; channel < channels; channel++) {
      for (let cell = 0; cell < cells; cell++) {
        const factor = layer.weight[output * layer.inputs + channel * cells + cell];
        bias[output] += factor * kernelBias[channel];
        for (let plane = 0; plane < planes; plane++) {
          const place = (output * planes + plane) * cells + cell;
          weight[place] += factor * kernel[channel * planes + plane];
        }
      }
    }
  }
  return { outputs: layer.outputs, inputs: planes * cells, weight, bias };
}

/** Linear layers with ReLU between them, on observations that are 1 in a few places. */
class Perceptron {
  /** @param {Layer[]} layers @param {boolean} activateLast */
  constructor(layers, activateLast) {
    const [first, ...rest] = layers.map(byColumns);
    this.first = first;
    this.rest = rest;
    this.activateLast = activateLast;
  }

  /** @type {(seen: number[]) => Doubles} */
  run(seen) {
    let values = sumsOfSeen(this.first, seen);
    for (const layer of this.rest) values = sumsOf(layer, rectified(values));
    return this.activateLast ? rectified(values) : values;
  }
}

/** ReLU: what is negative becomes 0. @type {(values: Doubles) => Doubles} */
function rectified(values) {
  return values.map((value) => (value > 0 ? value : 0));
}

/** The experts, the gate and the head: the logits of each, for one observation. */
export class Network {
  /** @param {PolicyRecord} policy @param {Tensors} tensors */
  constructor(policy, tensors) {
    this.experts = policy.experts.map(
      (name) => new Perceptron(layersUnder(tensors, `experts.${name}.`), true),
    );
    this.head = byColumns(layersUnder(tensors, "head.")[0]);
    this.gate = policy.gate === "learned" ? readGate(tensors) : null;
  }

  /** @type {Computer["logits"]} */
  logits(agent, targets, world) {
    const seen = world.observe(agent, targets);
    const experts = this.experts.map((expert) => sumsOf(this.head, expert.run(seen)));
    const gate = this.gate ? this.gate.run(seen) : new Float64Array(this.experts.length - 1);
    return { experts, gate };
  }
}

/** The gate's network, its convolution folded into the layer that follows.
 * @type {(tensors: Tensors) => Perceptron} */
function readGate(tensors) {
  const layers = layersUnder(tensors, "gate.layers.");
  const kernel = tensors.get("gate.convolution.weight");
  if (kernel) {
    const bias = tensorNamed(tensors, "gate.convolution.bias").values;
    layers[0] = foldConvolution(layers[0], kernel.values, bias, kernel.shape[1]);
  }
  return new Perceptron(layers, false);
}

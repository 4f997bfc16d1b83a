// Pillow's arithmetic on 8 bit pixels, bit for bit: grey, bilinear resizing, block means, an affine transform.
//
// Pixels are {data, width, height, channels}: interleaved grey (1), RGB (3) or RGBA (4), as in ImageData.

const BITS = 22; // of the fixed-point weights: 32 less 8 of the levels and 2 to spare
const HALF = 1 << (BITS - 1);

/** ITU-R BT.601 luma, as Image.convert("L") rounds it. */
export const luma = (red, green, blue) => (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;

/**
 * Image.resize((columns, rows), BILINEAR, box): triangle-weighted means along one axis, then the other, each rounded to 8
 * bits. box: [left, top, right, bottom] in pixels, the whole if not given.
 */
export function resize(pixels, columns, rows, box = [0, 0, pixels.width, pixels.height]) {
  const [left, top, right, bottom] = box.map(Math.fround); // Pillow takes it as 32 bit floats
  const across = (picture) => filterRows(picture, weigh(picture.width, left, right, columns), columns);
  const down = (picture) => filterColumns(picture, weigh(picture.height, top, bottom, rows), rows);
  const saved = pixels.height - rows;
  if (saved > 0 && saved > 2 * (pixels.width - columns)) return across(down(pixels)); // so since Pillow 13
  return down(across(pixels));
}

/** For each of `size` places in [from, to] of an axis: where its pixels start, how many they are, and their weights. */
function weigh(length, from, to, size) {
  const scale = Math.fround(to - from) / size;
  const reach = Math.max(scale, 1);
  const most = Math.ceil(reach) * 2 + 1;
  const [starts, counts, weights] = [new Int32Array(size), new Int32Array(size), new Int32Array(size * most)];
  const shares = new Float64Array(most);
  for (let i = 0; i < size; i++) {
    const centre = from + (i + 0.5) * scale;
    const start = Math.max(Math.trunc(centre - reach + 0.5), 0);
    const count = Math.min(Math.trunc(centre + reach + 0.5), length) - start;
    let total = 0;
    for (let k = 0; k < count; k++) {
      shares[k] = Math.max(1 - Math.abs((k + start - centre + 0.5) * (1 / reach)), 0);
      total += shares[k];
    }
    for (let k = 0; k < count; k++) weights[i * most + k] = Math.trunc(0.5 + (total ? shares[k] / total : shares[k]) * (1 << BITS));
    [starts[i], counts[i]] = [start, count];
  }
  return { starts, counts, weights, most };
}

/** Each row brought to `columns` pixels. */
function filterRows({ data, width, height, channels }, { starts, counts, weights, most }, columns) {
  const out = new Uint8ClampedArray(height * columns * channels);
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < columns; x++)
      for (let c = 0; c < channels; c++, at++) {
        let sum = HALF;
        let from = (y * width + starts[x]) * channels + c;
        for (let k = x * most, end = k + counts[x]; k < end; k++, from += channels) sum += data[from] * weights[k];
        out[at] = sum >> BITS;
      }
  return { data: out, width: columns, height, channels };
}

/** Each column brought to as many pixels as `rows`. */
function filterColumns({ data, width, channels }, { starts, counts, weights, most }, rows) {
  const stride = width * channels;
  const out = new Uint8ClampedArray(rows * stride);
  for (let y = 0, at = 0; y < rows; y++)
    for (let x = 0; x < stride; x++, at++) {
      let sum = HALF;
      let from = starts[y] * stride + x;
      for (let k = y * most, end = k + counts[y]; k < end; k++, from += stride) sum += data[from] * weights[k];
      out[at] = sum >> BITS;
    }
  return { data: out, width, height: rows, channels };
}

/** Image.reduce((across, down)): the rounded means of such blocks; those at the right and lower edge may be smaller. */
export function reduce(pixels, across, down = across) {
  const [width, height] = [Math.ceil(pixels.width / across), Math.ceil(pixels.height / down)];
  const { channels } = pixels;
  const data = new Uint8ClampedArray(width * height * channels);
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < channels; c++, at++) data[at] = blockMean(pixels, x * across, y * down, across, down, c);
  return { data, width, height, channels };
}

function blockMean({ data, width, height, channels }, left, top, across, down, channel) {
  const [right, bottom] = [Math.min(left + across, width), Math.min(top + down, height)];
  const count = (right - left) * (bottom - top);
  let sum = count >> 1;
  for (let y = top; y < bottom; y++)
    for (let from = (y * width + left) * channels + channel, end = (y * width + right) * channels; from < end; from += channels)
      sum += data[from];
  return (sum * Math.trunc(Math.fround(2 ** 24 / count))) >>> 24; // Pillow's division: below 2 ** 32, so >>> takes all of it
}

/** Image.transform(AFFINE, BILINEAR) of size² pixels of a grey picture: (x, y) is taken from (a x + b y + c, d x + e y + f). */
export function affine({ data, width, height }, [a, b, c, d, e, f], size) {
  const out = new Uint8ClampedArray(size * size);
  const column = (x) => Math.min(Math.max(x, 0), width - 1);
  const row = (y) => Math.min(Math.max(y, 0), height - 1) * width;
  for (let y = 0, at = 0; y < size; y++)
    for (let x = 0; x < size; x++, at++) {
      const [fromX, fromY] = [a * (x + 0.5) + b * (y + 0.5) + c, d * (x + 0.5) + e * (y + 0.5) + f];
      if (fromX < 0 || fromX >= width || fromY < 0 || fromY >= height) continue; // stays 0, as in Pillow
      const [left, top] = [Math.floor(fromX - 0.5), Math.floor(fromY - 0.5)];
      const mix = (start) => blend(data[start + column(left)], data[start + column(left + 1)], fromX - 0.5 - left);
      out[at] = Math.trunc(blend(mix(row(top)), mix(row(top + 1)), fromY - 0.5 - top));
    }
  return { data: out, width: size, height: size, channels: 1 };
}

const blend = (one, other, share) => one + (other - one) * share;

/** RGBA laid on white, as Image.alpha_composite does; anything else, and what is opaque, as it is. */
export function onWhite(pixels) {
  const { data, channels } = pixels;
  if (channels !== 4 || isOpaque(data)) return pixels;
  const out = new Uint8ClampedArray(data.length).fill(255);
  for (let i = 0; i < data.length; i++) {
    if ((i & 3) === 3) continue;
    const sum = (data[i] * data[i | 3] + 255 * (255 - data[i | 3]) + 128) << 7;
    out[i] = ((sum >> 8) + sum) >> 15;
  }
  return { ...pixels, data: out };
}

function isOpaque(data) {
  for (let i = 3; i < data.length; i += 4) if (data[i] !== 255) return false;
  return true;
}

/** A copy whose longer side is `longest`, if the picture is larger: Image.resize(size, BILINEAR, reducing_gap=2). */
export function shrink(pixels, longest) {
  const { width, height } = pixels;
  const ratio = longest / Math.max(width, height);
  if (ratio >= 1) return pixels;
  const [columns, rows] = [width, height].map((length) => Math.max(1, round(length * ratio)));
  const [across, down] = [width / columns, height / rows].map((scale) => Math.trunc(scale / 2) || 1);
  const blocks = across > 1 || down > 1 ? reduce(pixels, across, down) : pixels;
  return resize(blocks, columns, rows, [0, 0, width / across, height / down]);
}

/** Python's round: halves go to the even neighbour. */
export function round(value) {
  const low = Math.floor(value);
  const rest = value - low;
  return rest < 0.5 || (rest === 0.5 && low % 2 === 0) ? low : low + 1;
}

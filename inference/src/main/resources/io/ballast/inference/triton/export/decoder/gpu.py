"""The forward pass of network.py on a GPU, by CuPy, in 32 bits. Weights, keys and values stay there; what a step expects comes back. Written by Ballast."""
import numpy as np
from network import Network

try:
    import cupy
except ImportError as e:
    raise ImportError(
        "this model's instances are KIND_GPU, and CuPy cannot be imported by the python that runs it: pip install cupy-cuda13x there (cupy-cuda12x for"
        f" CUDA 12; 'cupy-cuda13x<14' beside a NumPy below 2), or export with --device cpu. {e}"
    ) from e

# What would be many small steps is one here. N tokens of all rows together; of each, where its row's memory is, how many tokens that holds, its place.
KERNELS = r"""
const unsigned ALL = 0xffffffff;

__device__ float sum(float part) {  // of a warp
  for (int step = 16; step > 0; step /= 2) part += __shfl_xor_sync(ALL, part, step);
  return part;
}

/** A warp for each vector of x. */
extern "C" __global__ void normalise(const float* x, const float* weight, float offset, float epsilon, int size, float* y) {
  x += (size_t)blockIdx.x * size;
  y += (size_t)blockIdx.x * size;
  float squares = 0;
  for (int i = threadIdx.x; i < size; i += 32) squares += x[i] * x[i];
  float root = sqrtf(sum(squares) / size + epsilon);
  for (int i = threadIdx.x; i < size; i += 32) y[i] = x[i] / root * (weight[i] + offset);
}

/** Where a token's row keeps the keys (0) or values (1) of a head in a layer, [tokens, E]. */
__device__ float* kept(const long long* tokens, int n, int layer, int which, int key_heads, int head, int size) {
  long long capacity = tokens[gridDim.x + n];
  return (float*)tokens[n] + (((size_t)layer * 2 + which) * key_heads + head) * capacity * size;
}

/** A block for each token: turns its query, and keeps its key, turned, and its value. */
extern "C" __global__ void keep(const long long* tokens, int layer, int heads, int key_heads, int size, const float* cosines, const float* sines,
                                float* query, const float* key, const float* value) {
  int n = blockIdx.x, half = size / 2;
  long long place = tokens[2 * gridDim.x + n];
  for (int i = threadIdx.x; i < (heads + key_heads) * half; i += blockDim.x) {
    int head = i / half, e = i % half;
    bool asks = head < heads;
    const float* from = asks ? query + ((size_t)n * heads + head) * size : key + ((size_t)n * key_heads + head - heads) * size;
    float* to = asks ? (float*)from : kept(tokens, n, layer, 0, key_heads, head - heads, size) + place * size;
    float first = from[e], second = from[e + half], cosine = cosines[place * half + e], sine = sines[place * half + e];
    to[e] = first * cosine - second * sine;
    to[e + half] = second * cosine + first * sine;
  }
  for (int i = threadIdx.x; i < key_heads * size; i += blockDim.x) {
    int head = i / size, e = i % size;
    kept(tokens, n, layer, 1, key_heads, head, size)[place * size + e] = value[((size_t)n * key_heads + head) * size + e];
  }
}

/** A block of eight warps for each token and head: each warp goes through every eighth token that is seen, and what they found is put together. */
extern "C" __global__ void attend(const long long* tokens, int layer, int heads, int key_heads, int size, const float* query, float* attended) {
  const int WARPS = 8, EACH = 8;  // heads of up to 32 * EACH numbers
  int n = blockIdx.x, head = blockIdx.y, lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  size_t at = ((size_t)n * heads + head) * size;
  const float* keys = kept(tokens, n, layer, 0, key_heads, head / (heads / key_heads), size);
  const float* values = kept(tokens, n, layer, 1, key_heads, head / (heads / key_heads), size);
  long long seen = tokens[2 * gridDim.x + n] + 1;
  float asked[EACH], found[EACH];
  for (int j = 0; j < EACH; j++) {
    asked[j] = 32 * j + lane < size ? query[at + 32 * j + lane] : 0;
    found[j] = 0;
  }
  float most = -1e30f, total = 0, root = sqrtf(size);
  for (long long s = warp; s < seen; s += WARPS) {
    float score = 0;
    for (int j = 0; j < EACH; j++)
      if (32 * j + lane < size) score += asked[j] * keys[s * size + 32 * j + lane];
    score = sum(score) / root;
    float next = fmaxf(most, score), before = expf(most - next), share = expf(score - next);
    for (int j = 0; j < EACH; j++)
      if (32 * j + lane < size) found[j] = found[j] * before + share * values[s * size + 32 * j + lane];
    total = total * before + share;
    most = next;
  }
  __shared__ float mosts[WARPS], totals[WARPS], founds[WARPS][32 * EACH];
  for (int j = 0; j < EACH; j++) founds[warp][32 * j + lane] = found[j];
  if (lane == 0) mosts[warp] = most, totals[warp] = total;
  __syncthreads();
  for (int w = 0; w < WARPS; w++) most = fmaxf(most, mosts[w]);
  total = 0;
  for (int w = 0; w < WARPS; w++) total += totals[w] * expf(mosts[w] - most);
  for (int e = threadIdx.x; e < size; e += blockDim.x) {
    float sum = 0;
    for (int w = 0; w < WARPS; w++) sum += founds[w][e] * expf(mosts[w] - most);
    attended[at + e] = sum / total;
  }
}
"""
LARGEST_HEAD = 256

# a gate's activation times what it lets through
GATES = {
    "silu": "gate / (1 + exp(-gate)) * up",
    "gelu_pytorch_tanh": "gate / 2 * (1 + tanh((T)0.7978845608028654 * (gate + (T)0.044715 * gate * gate * gate))) * up",
    "gelu": "gate * normcdf(gate) * up",
}


class GpuNetwork(Network):
    """A network on one GPU, told by its number."""

    def __init__(self, folder, device):
        self.device = cupy.cuda.Device(device)
        with self.device:
            super().__init__(folder)
            if self.size > LARGEST_HEAD:
                raise ValueError(f"head_size: {self.size} (expected: at most {LARGEST_HEAD} on a GPU)")
            module = cupy.RawModule(code=KERNELS)
            self.norm_kernel, self.keep_kernel, self.attend_kernel = (module.get_function(name) for name in ("normalise", "keep", "attend"))
            self.gate_kernel = cupy.ElementwiseKernel("T gate, T up", "T y", "y = " + GATES[self.activation], self.activation)

    def array(self, values):
        return cupy.asarray(values)

    def memory(self, tokens):
        with self.device:
            return cupy.empty((self.layers, 2, self.key_heads, tokens, self.size), np.float32)

    def logits(self, rows):
        with self.device:
            return cupy.asnumpy(super().logits(rows))

    def step(self, rows, places):
        memories = np.concatenate([np.full(len(ids), memory.data.ptr) for ids, _, memory in rows])
        capacities = np.concatenate([np.full(len(ids), memory.shape[3]) for ids, _, memory in rows])
        return (self.array(np.array([memories, capacities, places], np.int64)),)

    def attended(self, layer, query, key, value, tokens):
        count, attended = len(query), cupy.empty((len(query), self.heads * self.size), np.float32)
        where = tokens, np.int32(layer), np.int32(self.heads), np.int32(self.key_heads), np.int32(self.size)
        self.keep_kernel((count,), (256,), (*where, self.cosine, self.sine, query, key, value))
        self.attend_kernel((count, self.heads), (256,), (*where, query, attended))
        return attended

    def gated(self, gate, up):
        return self.gate_kernel(gate, up)

    def norm(self, x, name):
        y, size = cupy.empty_like(x), x.shape[-1]
        scalars = np.float32(self.offset), np.float32(self.epsilon), np.int32(size)
        self.norm_kernel((x.size // size,), (32,), (x, self.weights[name + ".weight"], *scalars, y))
        return y

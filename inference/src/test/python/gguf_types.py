"""Writes a GGUF model again with its matrices in turn as Q4_0, Q8_0, F16, BF16, Q4_1 and F32, by gguf's own quantisers.

    python inference/src/test/python/gguf_types.py MODEL.gguf MIXED.gguf

gguf_model.py and GgufParityCheck then compare what transformers and we read in it. Needs gguf (seen with 0.19.0), whose Python has no quantisers for Q4_K and Q6_K.
"""
import sys

import numpy as np
from gguf import GGMLQuantizationType as Type, GGUFReader, GGUFValueType, GGUFWriter
from gguf.quants import dequantize, quantize

TYPES = [Type.Q4_0, Type.Q8_0, Type.F16, Type.BF16, Type.Q4_1, Type.F32]


def main(source, target):
    reader = GGUFReader(source)
    writer = GGUFWriter(target, reader.fields["general.architecture"].contents())
    for key, field in reader.fields.items():
        if key.startswith("GGUF.") or key == "general.architecture":
            continue
        if field.types[0] == GGUFValueType.ARRAY:
            writer.add_array(key, field.contents())
        else:
            writer.add_key_value(key, field.contents(), field.types[0])
    matrices = 0
    for tensor in reader.tensors:
        numbers = dequantize(tensor.data, tensor.tensor_type).astype(np.float32).reshape([int(side) for side in reversed(tensor.shape)])
        kind = TYPES[matrices % len(TYPES)]
        if numbers.ndim == 1 or kind == Type.F32:
            writer.add_tensor(tensor.name, numbers)
        elif kind == Type.F16:
            writer.add_tensor(tensor.name, numbers.astype(np.float16))
        else:
            writer.add_tensor(tensor.name, quantize(numbers, kind), raw_dtype=kind)
        matrices += numbers.ndim > 1
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main(*sys.argv[1:3])

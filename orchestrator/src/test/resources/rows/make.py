# Wrote labels.parquet beside it, by pyarrow 26.0.1; prompts.parquet is rows-snappy.parquet of training.
import pyarrow as pa, pyarrow.parquet as pq
t = pa.table({
  "prompt": pa.array(["int a", "int b", "int c", "int d", "int e"], pa.string()),
  "chosen": pa.array(["aei", None, "\u00e9u", "same", "io"], pa.string()),
  "rejected": pa.array(["xyz", "w", "w", "same", "zz"], pa.string()),
  "completion": pa.array(["aei", None, "xyz", "ou", "ou"], pa.string()),
  "label": pa.array([True, True, False, None, True], pa.bool_()),
})
pq.write_table(t, "labels.parquet", compression="snappy", write_statistics=False, store_schema=False)

# Wrote the Parquet files beside it, by pyarrow 26.0.1.
import pyarrow as pa, pyarrow.parquet as pq
t = pa.table({
  "text": pa.array(["int a", None, "int \u00e9", "", "int b"], pa.string()),
  "group": pa.array(["x", "x", "y", "y", None], pa.string()),
  "difficulty": pa.array([0.5, 1, None, 2, 3], pa.float64()),
  "steps": pa.array([3, 1, 2, 1, None], pa.int32()),
  "raw": pa.array([b"ok", b"\xff\xfe", b"ok", b"ok", b"ok"], pa.binary()),
  "good": pa.array([True, False, None, True, False], pa.bool_()),
  "turns": pa.array([[{"role": "user", "content": "hi"}], None, [], [{"role": "user", "content": None}], [{"role":"a","content":"b"},{"role":"c","content":"d"}]],
                    pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))),
})
for c in ("snappy", "zstd", "gzip"):
    pq.write_table(t, f"rows-{c}.parquet", compression=c, write_statistics=False, store_schema=False)

package io.ballast.kit.kserve;

/** The types of a tensor's elements that models of the mesh take and give; names are KServe's. */
public enum Datatype {
  BOOL(1),
  INT32(4),
  INT64(8),
  UINT32(4),
  FP32(4),
  /** Text: each element is its length in 4 bytes and then its bytes, in UTF-8. */
  BYTES(0);

  private final int byteSize;

  Datatype(int byteSize) {
    this.byteSize = byteSize;
  }

  /** The bytes of one element; 0 where elements differ in length. */
  public int byteSize() {
    return byteSize;
  }
}

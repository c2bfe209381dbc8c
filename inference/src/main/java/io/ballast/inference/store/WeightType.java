package io.ballast.inference.store;

/** How a safetensors file holds a number. */
public enum WeightType {
  /** IEEE 754, 32 bits. */
  FLOAT32("F32", 4, "float32"),
  /** The upper half of 32 bits, rounded to nearest even. */
  BFLOAT16("BF16", 2, "bfloat16"),
  /** IEEE 754, 16 bits. */
  FLOAT16("F16", 2, "float16");

  private final String code;
  private final int bytes;
  private final String torchName;

  WeightType(String code, int bytes, String torchName) {
    this.code = code;
    this.bytes = bytes;
    this.torchName = torchName;
  }

  /** Its name in a safetensors header. */
  public String code() {
    return code;
  }

  /** Bytes that a number takes. */
  public int bytes() {
    return bytes;
  }

  /** Its name in a Hugging Face {@code config.json}. */
  public String torchName() {
    return torchName;
  }
}

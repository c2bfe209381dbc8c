package io.ballast.inference.onnx;

/**
 * Which decoder the heads stand on.
 *
 * @param model its name, such as {@code java-tiny}
 * @param version its version
 * @param weightsSha256 of its model.safetensors, lower-case hexadecimal; decides
 */
public record TrunkReference(String model, String version, String weightsSha256) {}

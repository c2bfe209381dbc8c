package io.ballast.policy.core.version;

/**
 * What a model folder holds.
 *
 * @param weightsSha256 64 lower-case hexadecimal digits
 * @param parametersCount at least 1
 * @param contextTokens the most tokens of prompt and completion together
 */
public record FolderFacts(String weightsSha256, long parametersCount, int contextTokens) {}

package io.ballast.policy.core.version;

import io.ballast.inference.api.Decoder;

/**
 * A decoder, and what it was loaded from.
 *
 * @param decoder ready to serve
 * @param folderSha256 over all files of the folder that it was read from; empty if it runs
 *     elsewhere
 */
public record LoadedDecoder(Decoder decoder, String folderSha256) {}

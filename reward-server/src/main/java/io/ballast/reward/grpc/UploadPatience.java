package io.ballast.reward.grpc;

import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * How long the server waits for who sends a file, since others wait for the place.
 *
 * @param silence how long nothing may come of it, &gt; 0
 * @param whole how long all of it may keep the server waiting, &gt; 0
 * @param nanoTime the time, in nanoseconds since any moment
 */
public record UploadPatience(Duration silence, Duration whole, LongSupplier nanoTime) {}

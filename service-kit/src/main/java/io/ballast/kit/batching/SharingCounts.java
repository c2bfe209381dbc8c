package io.ballast.kit.batching;

/**
 * How much work was shared since the start.
 *
 * @param hits items that were kept from earlier
 * @param misses items that were queued
 * @param joins items that were on their way already, for this call or another one
 * @param evictions results that were given up for others
 * @param bytes that are kept now, about
 */
public record SharingCounts(long hits, long misses, long joins, long evictions, long bytes) {}

package io.ballast.loadtest.scenario;

import java.time.Duration;

/**
 * Something that is done to the mesh during the load.
 *
 * @param name for the report
 * @param at when, after the load's beginning
 * @param command given to {@code sh -c}
 * @param timeout after which it is ended and has failed
 */
public record Fault(String name, Duration at, String command, Duration timeout) {}

package io.ballast.loadtest.report;

/**
 * What became of a fault's command.
 *
 * @param atSeconds when it was begun, after the load's beginning
 * @param seconds how long it took
 * @param exitCode its own, or -1: it was ended, or did not begin
 * @param output the end of what it printed
 */
public record FaultResult(
    String name, String command, double atSeconds, double seconds, int exitCode, String output) {}

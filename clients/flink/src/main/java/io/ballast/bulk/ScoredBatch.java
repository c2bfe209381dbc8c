package io.ballast.bulk;

import java.util.List;
import java.util.Map;

/**
 * What became of a batch.
 *
 * @param lines a line of JSON for each row
 * @param counts what is told as progress: rows, values, retries, failures by reason
 */
public record ScoredBatch(List<String> lines, Map<String, Long> counts) {}
